"""What agents do all day goes without a question."""

from __future__ import annotations

import pytest
from packs import judge, load_packs

from cash.policy.verdict import Decision

LINES = r"""
git status
git add -A && git commit -m "Mend the login (fixes #12)"
git commit -am 'rm -rf / is only text here'
git push
git push -u origin agent/alice
git push --force-with-lease
git pull --rebase
git fetch --all --prune
git stash && git pull --rebase && git stash pop
git checkout -b feature/login origin/main
git checkout main
git switch -c topic
git rebase main
git rebase --continue
git -c core.editor=true rebase --continue
git merge --no-ff topic
git diff HEAD~1 -- src/app.py | head -50
git log --oneline -10 --grep='force push'
git show HEAD:README.md
git restore --staged .
git reset HEAD~1
git reset --soft HEAD~1
git branch -d merged
git worktree add ../wt topic
git tag v1.2.3
git config user.email
git remote -v
git cherry-pick abc123
git blame -L 1,20 src/app.py
git bisect start
git clean -n
git rm old.py
git mv a.py b.py
git apply fix.patch
git --no-pager log -3
pytest -q tests/unit -k 'login and not slow'
python -m pytest
python -m venv .venv && . .venv/bin/activate && pip install -e '.[dev]'
python script.py --delete-old
python - <<'END'
python3 -c 'import sys; print(sys.version)'
python -m http.server 8000 &
make test
make -j4 clean all
cargo build --release && cargo test
go test ./...
npm test
npm run build
npm install
npx tsc --noEmit
pnpm install --frozen-lockfile
pnpm add -D vitest
yarn build
node -e "console.log(1 + 1)"
node server.js &
timeout 60 npm test
ls -la ~
cat package.json
cat src/*.ts | wc -l
head -20 README.md; tail -5 log.txt
sed -n '1,40p' src/app.py
sed -i 's/foo/bar/g' src/app.py
grep -rn 'TODO' src --include='*.py'
rg -n 'rm -rf' docs
find . -name '*.py' -not -path './node_modules/*' | xargs wc -l
find . -type f -name '*.tmp' -print
fd -e rs
awk '{print $1}' data.txt | sort | uniq -c
jq '.scripts' package.json
mkdir -p src/new && touch src/new/__init__.py
cp -r templates build/templates
mv old.txt new.txt
mv src/* lib/
rm -f notes.txt
rm old.py
rm -rf node_modules dist
rm -rf build/
rm -rf build/*
rm -rf /tmp/scratch
rm -r empty_folder
rmdir empty
chmod +x run.sh && ./run.sh
tar czf out.tgz dist
tar xzf x.tgz -C build
unzip -o x.zip -d build
ln -s ../shared lib/shared
echo 'export const x = 1' > src/x.ts
cat > src/x.py <<'END'
printf '%s\n' a b c | tee out.txt
echo hello >> notes.md 2>/dev/null
cd src && ls && cd ..
(cd web && pnpm build)
for f in *.py; do python -m py_compile "$f"; done
while read -r line; do echo "$line"; done < list.txt
if [ -f package.json ]; then cat package.json; fi
export NODE_ENV=test
env | sort
echo $HOME $PATH
which python3 && command -v node
ps aux | grep node
pkill -f vite
kill %1
kill 12345
lsof -i :3000
sleep 5 && curl -s http://localhost:3000/health | jq .
curl -s -X POST -d '{"a": 1}' http://127.0.0.1:3000/api
curl -d @payload.json http://localhost:3000/api
curl -sSL https://registry.npmjs.org/left-pad | jq .name
pip install requests
docker build -t app .
docker compose up -d
docker ps
docker run --rm -v .:/src node:20 npm test
kubectl get pods
terraform plan
aws s3 ls
gh pr view 12
sqlite3 dev.db 'select * from users limit 5'
psql -c 'select 1'
ruff check --fix . && ruff format .
prettier --write src
diff -u a b
du -sh . && df -h
date && uname -a && whoami && id
man git
history
systemctl status nginx
crontab -l
openssl rand -hex 16
base64 -d x.b64 > x.bin
cat ~/.ssh/known_hosts
cat .env.example
ls -l .env
ssh-keygen -l -f key.pub
"""


def everyday() -> list[str]:
    """The lines; a here-document gets its body."""
    return [
        f"{line}\nprint('rm -rf /')\nEND" if line.endswith("'END'") else line
        for line in LINES.strip().splitlines()
    ]


@pytest.mark.parametrize("line", everyday())
def test_goes_without_a_question(line: str) -> None:
    verdict = judge(load_packs(), line)
    assert verdict.decision <= Decision.REWRITE, verdict.matches
