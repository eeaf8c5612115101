"""What is taken out of lines, words and environments, and what stays readable."""

from __future__ import annotations

import pytest

from cash.store.redaction import redact_argv, redact_body, redact_environment, redact_text

# Put together here, so that no scanner of this repository takes them for real.
_HEX = "3f786850e387550fdab836ed7e6dc881de23001b"
_GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
_AWS = "AKIA" + "IOSFODNN7EXAMPLE"
_AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
_ANTHROPIC = "sk-ant-" + "api03-R2D2c3poAAAABBBBccccDDDD1111-_x"
_OPENAI = "sk-proj-" + "Ab12Cd34Ef56Gh78Ij90Kl12Mn34"
_SLACK = "xoxb-" + "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"
_STRIPE = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
_GITLAB = "glpat-" + "x7sT2kLmN4pQ9rVwZ1aB"
_NPM = "npm_" + "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6"
_PYPI = "pypi-AgEIcHlwaS5vcmc" + "CJDk4ZTRhM2Y3LTk4YjctNGY5Yi1hYzY5LWM1ZDQ5YzY2NDEyMwACKlszLCJi"
_JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
_WEBHOOK = "services/T00000000/" + "B00000000/abcdefghijklmnop"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_SHA512 = "XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA=="
_PEM = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nAAAEbm9uZQ==\n"
    "-----END OPENSSH PRIVATE KEY-----"
)

# line -> line, secrets written between « and » with the kind that takes their place
SECRETS = [
    "mysql -u root -p«hunter2:password» shop",
    "mysqldump -uroot -p'«correct horse:password»' shop > dump.sql",
    "mysql --password=«hunter2:password» -e 'select 1'",
    "docker exec -it db mysql -p«hunter2:password»",
    "sudo -u www mysql -p\"«hun ter:password»\" -e 'show tables'",
    "sshpass -p «hunter2:password» ssh deploy@example.com",
    "sshpass -p«hunter2:password» ssh deploy@example.com",
    "curl -u alice:«hunter2:password» https://example.com/a.zip",
    "curl -sSfu alice:«hunter2:password» https://example.com/a.zip",
    "curl -ualice:«hunter2:password» https://example.com/a.zip",
    "curl --user 'alice:«hunter 2:password»' 'https://example.com/?a=1&b=2'",
    "curl --proxy-user alice:«hunter2:password» https://example.com",
    "curl --oauth2-bearer «abc.def:token» https://example.com",
    "curl -H 'Authorization: Bearer «abcdef0123:authorization»' https://example.com",
    'curl -H "authorization: token «abcdef0123:authorization»" https://example.com',
    "curl -H 'Authorization: Basic «YWxpY2U6aHVudGVyMg==:authorization»' https://example.com",
    "curl -H Authorization:«abcdef0123:authorization» https://example.com",
    "curl -H 'X-Api-Key: «k3y:key»' https://example.com",
    "curl -H 'PRIVATE-TOKEN: «t0k3n:token»' https://gitlab.example.com/api/v4/projects",
    "curl -b 'session=«abcdef:cookie»' https://example.com",
    "curl -H 'Cookie: «session=abc; csrf=def:cookie»' https://example.com",
    'curl -d \'{"user": "alice", "password": "«hunter 2:password»"}\' https://example.com',
    'curl -d "{\\"password\\": \\"«hunter2:password»\\"}" https://example.com',
    "curl -d 'user=alice&password=«hunter2:password»' https://example.com",
    "curl 'https://example.com/?page=1&access_token=«abc123:token»&b=2'",
    "wget --http-password=«hunter2:password» https://example.com/a.zip",
    "git clone https://alice:«hunter2:url-password»@example.com/a/b.git",
    "git clone https://alice:«p@ss:url-password»@example.com/a/b.git",
    "git push https://«a1b2c3d4e5f6a7b8c9d0:url-password»@example.com/a/b.git",
    "psql postgres://shop:«hunter2:url-password»@db.example.com:5432/shop",
    f"git remote set-url origin https://x-access-token:«{_GITHUB}:github-token»@github.com/a/b",
    f"echo «{_GITHUB}:github-token» | gh auth login --with-token",
    "git config --global github.token «abc123:token»",
    f"export GITHUB_TOKEN=«{_GITHUB}:github-token»",
    "PGPASSWORD=«hunter2:password» psql -h db",
    "PASSWORD='«correct horse:password»' ./run.sh",
    'env DB_PASS="«hunter2:password»" make test',
    "MYSQL_PWD=«hunter2:password» mysql",
    "docker run -e API_KEY=«abc:key» -p 80:80 nginx",
    "docker run -ePOSTGRES_PASSWORD=«hunter2:password» postgres:16",
    "docker login -u alice -p «hunter2:password» registry.example.com",
    "echo «hunter2:password» | docker login -u alice --password-stdin",
    "printf '%s' «hunter2:password» | sudo -S apt-get update",
    "sudo -S ls <<< «hunter2:password»",
    "echo '«root:hunter2:password»' | chpasswd",
    "helm registry login -u alice -p «hunter2:password» registry.example.com",
    "kubectl create secret generic db --from-literal=user=«alice:secret» -n prod",
    "gh secret set DEPLOY --body «hunter2:secret»",
    "aws configure set aws_secret_access_key «wJalrXUtnFEMI:key»",
    f"aws configure set aws_access_key_id «{_AWS}:aws-key»",
    f"AWS_ACCESS_KEY_ID=«{_AWS}:aws-key» AWS_SECRET_ACCESS_KEY=«{_AWS_SECRET}:key» aws s3 ls",
    'aws secretsmanager create-secret --name db --secret-string \'«{"key": "v"}:secret»\'',
    "az login --service-principal -u app -p «hunter2:password» --tenant t",
    "redis-cli -h cache -a «hunter2:password» ping",
    "ldapsearch -D cn=admin -w «hunter2:password» -b dc=example",
    "smbclient //host/share -U alice%«hunter2:password»",
    "zip -P «hunter2:password» out.zip a b",
    "7z x -p«hunter2:password» in.7z",
    "openssl enc -aes-256-cbc -pass pass:«hunter2:password» -in a -out b",
    "openssl rsa -passin pass:«hunter2:password» -in key.pem",
    "keytool -storepass «changeit1:password» -list",
    "java -Dspring.datasource.password=«hunter2:password» -jar app.jar",
    "gpg --batch --passphrase «hunter2:password» -d a.gpg",
    "htpasswd -nb alice «hunter2:password»",
    "rabbitmqctl add_user alice «hunter2:password»",
    "vault login «s.abcdef:password»",
    "nmcli dev wifi connect home password «hunter2:password»",
    "npm publish --otp=«123456:token»",
    "npm config set //registry.example.com/:_authToken «abcdef:token»",
    f"npm config set //registry.example.com/:_authToken=«{_NPM}:npm-token»",
    f"twine upload -u __token__ -p «{_PYPI}:pypi-token» dist/*",
    "uv publish --token «abcdef:token»",
    "terraform apply -var 'db_password=«hunter2:password»'",
    "ansible-playbook site.yml -e ansible_become_pass=«hunter2:password»",
    "mount -t cifs //host/share /mnt -o username=alice,password=«hunter2:password»",
    'bash -c \'mysql -p"«hunter 2:password»" -e "select 1"\'',
    "ssh host 'PASSWORD=«hunter2:password» ./deploy'",
    "echo $(curl -u alice:«hunter2:password» https://example.com)",
    'echo "$(mysql -p«hunter2:password» -e x)"',
    "cat > .env <<EOF\nUSER=alice\nSECRET_KEY=«abc123:key»\nEOF",
    "cat > conf.yml <<EOF\nuser: alice\npassword: «hunter2:password»\nEOF",
    "python3 -c \"import os; os.environ['API_TOKEN'] = '«abc123:token»'\"",
    "python3 - <<'EOF'\nclient = Client(api_key=\"«abc 123:key»\")\nEOF",
    "deploy --api-key «abc123:key» --region eu",
    "deploy --client-secret=«abc123:secret» --region eu",
    "deploy --password «abc[1:password» --region eu",
    "deploy --password «config[1]abc!:password» --region eu",
    "PASSWORD='«abc(def:password»' make",
    "python3 -c 'login(password=\"«abc(1:password»\")'",
    "deploy --key «9f86d081884c7d659a2feaa0c55ad015:key» --region eu",
    "echo ${PASSWORD:-«hunter2:password»}",
    f"echo «{_ANTHROPIC}:anthropic-key»",
    f"echo «{_OPENAI}:openai-key»",
    f"slack-send «{_SLACK}:slack-token» hello",
    f"stripe-do «{_STRIPE}:stripe-key»",
    f"glab auth «{_GITLAB}:gitlab-token»",
    f"decode «{_JWT}:jwt»",
    f"echo '«{_PEM}:private-key»' > id",
    f"curl -X POST https://hooks.slack.com/«{_WEBHOOK}:slack-webhook»",
]

READABLE = [
    "",
    "ls -la",
    "git status --short",
    f"git show {_HEX}",
    f"git cherry-pick {_HEX} && git push origin HEAD:refs/heads/agent/alice",
    'git commit -m "token: handle expiry of the access token"',
    "git commit -m 'Fix password reset; the secret was not rotated'",
    'git commit -m "don\'t log the API key"',
    "git log --author=alice --format='%H %s' -- cash/store/key.py",
    "git diff HEAD~3..HEAD -- src/auth/token.ts",
    "git clone https://github.com/alice/secret-santa.git",
    "git clone ssh://git@github.com/alice/tokens.git",
    "git clone git@github.com:alice/password-store.git",
    "git clone https://alice@example.com/a/b.git",
    "git config --global credential.helper store",
    "grep -rn password= src/ | head",
    'grep -rn "password=" src/',
    "grep -rn 'api_key' --include='*.py' .",
    'grep -r "BEGIN RSA PRIVATE KEY" .',
    'grep -r -- "-----BEGIN RSA PRIVATE KEY-----" .',
    "rg 'Authorization: Bearer' docs",
    "sed -i 's/password=.*/password=$NEW/' conf",
    "cat /run/secrets/db_password",
    "cat ~/.aws/credentials /etc/passwd",
    "echo $GITHUB_TOKEN | wc -c",
    'curl -H "Authorization: Bearer $TOKEN" https://example.com',
    'curl -H "Authorization: Bearer $(cat token)" https://example.com',
    'curl -u "$USER:$PASS" https://example.com',
    "curl -u alice https://example.com",
    "curl -fsSL -H 'Accept: application/json' https://api.example.com/v1/things/42",
    "curl -o out https://example.com/@scope/pkg/-/pkg-1.0.0.tgz",
    "curl http://localhost:3000/@scope/pkg",
    'git push "https://x:${TOKEN}@github.com/a/b"',
    "export TOKEN PASSWORD",
    "export TOKEN=$(gh auth token)",
    "PASSWORD=$DB_PASSWORD make test",
    'API_KEY="${API_KEY:-}" make test',
    "read -rs PASSWORD",
    "unset AWS_SECRET_ACCESS_KEY",
    "export PWD=/home/alice/src OLDPWD=/home/alice",
    "GOOGLE_APPLICATION_CREDENTIALS=/etc/gcp/key.json python run.py",
    "SSH_AUTH_SOCK=/run/user/1000/keyring/ssh ssh host",
    "TOKENIZERS_PARALLELISM=false python train.py --max-tokens 4096",
    "llm --max-tokens=4096 --token-limit 100000 'say hi'",
    "docker login --password-stdin registry.example.com < token.txt",
    "docker run -p 8080:80 -e POSTGRES_PASSWORD_FILE=/run/secrets/pw postgres",
    "docker build --secret id=npmrc,src=.npmrc .",
    f"docker pull nginx@sha256:{_SHA256}",
    "kubectl get secret my-secret -o yaml",
    "kubectl create secret generic db --from-file=./password.txt",
    "aws secretsmanager get-secret-value --secret-id prod/db",
    "gcloud secrets versions access 1 --secret=my-secret",
    "vault kv get secret/myapp/config",
    "gh secret list",
    "npm ci && npm run build -- --mode production",
    "npm install left-pad@1.3.0 --save-exact",
    "pnpm add -D vite@5.4.2 typescript",
    f"grep sha512-{_SHA512} pnpm-lock.yaml",
    f"npm install 'left-pad#sha512-{_SHA512}'",
    f"pip install --hash=sha256:{_SHA256} -r requirements.txt",
    f"sha256sum -c <<< '{_SHA256}  a.tar.gz'",
    f"docker run --rm {_SHA256[:12]} --cache-key {_HEX}",
    "uv pip install 'requests==2.32.3' --no-deps",
    "curl https://example.com/123e4567-e89b-12d3-a456-426614174000/file.tar.gz",
    "deploy --key 123e4567-e89b-12d3-a456-426614174000",
    "sort --key=2,2n data.csv",
    "openssl req -newkey rsa:2048 -keyout key.pem -out cert.pem -passout env:PW",
    "ssh -i ~/.ssh/id_ed25519 alice@example.com",
    "ansible-playbook --private-key ~/.ssh/deploy.pem --vault-password-file pass.txt site.yml",
    "jest --passWithNoTests src/password.test.ts",
    "pytest -k 'token or password' tests/test_auth.py",
    "make test PASS=12 FAIL=0",
    "mysql -p -u root",
    "mysql --password -u root",
    "mysqldump --port=3306 -P 3306 shop",
    "ldapsearch -x -W -b dc=example",
    "7z a out.7z dir -mx9",
    "tar -xzf node-v20.11.1-linux-x64.tar.gz -C /opt --strip-components=1",
    "python3 -c 'import secrets; print(secrets.token_hex(16))'",
    "python3 -c \"import os; token = os.environ['TOKEN']; print(len(token))\"",
    "python manage.py createsuperuser --username alice --noinput",
    "cat > a.py <<'EOF'\npassword = getpass.getpass()\napi_key = settings.API_KEY\nEOF",
    "cat > a.yml <<'EOF'\npassword: ${{ secrets.DB }}\ntoken: <your token>\nEOF",
    "if [ -z \"$TOKEN\" ]; then echo 'no token'; exit 1; fi",
    'for key in a b c; do echo "$key"; done',
    "jq '.tokens[] | {key: .name, value: .count}' usage.json",
    "redis-cli get session:count",
    "cargo build --release --features auth,session",
    "go test ./internal/auth/... -run TestToken -count=1",
    "sk-learn-contrib-with-a-long-name --help",
    "hexdump -C /usr/lib/x86_64-linux-gnu/libkeyutils.so.1.9",
]


def _plain_and_redacted(row: str) -> tuple[str, str]:
    plain, redacted, rest = "", "", row
    while "«" in rest:
        before, _, rest = rest.partition("«")
        secret, _, rest = rest.partition("»")
        value, _, kind = secret.rpartition(":")
        plain, redacted = plain + before + value, redacted + before + f"[redacted:{kind}]"
    return plain + rest, redacted + rest


@pytest.mark.parametrize("row", SECRETS)
def test_secrets_are_taken_out(row: str) -> None:
    plain, redacted = _plain_and_redacted(row)
    assert plain != redacted
    assert redact_text(plain) == redacted


@pytest.mark.parametrize("line", READABLE)
def test_what_is_no_secret_stays(line: str) -> None:
    assert redact_text(line) == line


def test_words_are_redacted_each_at_its_place() -> None:
    assert redact_argv(["mysql", "-u", "root", "-phunter 2", "shop"]) == [
        *("mysql", "-u", "root"),
        "-p[redacted:password]",
        "shop",
    ]
    assert redact_argv(["deploy", "--token", "a b", "--region=eu", "--api-key=k y"]) == [
        *("deploy", "--token", "[redacted:token]", "--region=eu"),
        "--api-key=[redacted:key]",
    ]
    assert redact_argv(["docker", "run", "-e", "PASSWORD=a b'c", "nginx"]) == [
        *("docker", "run", "-e", "PASSWORD=[redacted:password]", "nginx"),
    ]
    assert redact_argv(["bash", "-c", "TOKEN=abc1 curl -u a:b x"]) == [
        *("bash", "-c"),
        "TOKEN=[redacted:token] curl -u a:[redacted:password] x",
    ]
    assert redact_argv(["curl", "-H", "Authorization: Bearer abc.def"])[-1] == (
        "Authorization: Bearer [redacted:authorization]"
    )
    assert redact_argv(["echo", _GITHUB, "it's"]) == ["echo", "[redacted:github-token]", "it's"]


@pytest.mark.parametrize(
    "argv",
    [
        ["git", "commit", "-m", "don't log the password"],
        ["ssh", "-p", "2222", "alice@example.com"],
        ["docker", "run", "-p", "80:80", "-w", "/src", "nginx"],
        ["mysql", "-p", "shop"],
        ["deploy", "--password", "--verbose"],
        ["rg", "--", "--password=$X", "src"],
        [],
        [""],
    ],
)
def test_words_that_are_no_secret_stay(argv: list[str]) -> None:
    assert redact_argv(argv) == argv


def test_environments_are_redacted_by_name_and_by_looks() -> None:
    plain = {
        "PATH": "/usr/local/bin:/usr/bin",
        "PWD": "/home/alice",
        "LANG": "C.UTF-8",
        "SSH_AUTH_SOCK": "/run/user/1000/keyring/ssh",
        "npm_config_cache": "/home/alice/.npm",
        "GIT_AUTHOR_NAME": "Alice",
        "MAX_TOKENS": "4096",
    }
    secret = {
        "GITHUB_TOKEN": "abc",
        "MY_PASSWORD": "correct horse",
        "AWS_SECRET_ACCESS_KEY": _AWS_SECRET,
        "REDIS_URL": "redis://:hunter2@cache:6379/0",
        "NOTE": f"use {_GITHUB}",
    }
    assert redact_environment(plain | secret) == plain | {
        "GITHUB_TOKEN": "[redacted:token]",
        "MY_PASSWORD": "[redacted:password]",
        "AWS_SECRET_ACCESS_KEY": "[redacted:key]",
        "REDIS_URL": "redis://:[redacted:url-password]@cache:6379/0",
        "NOTE": "use [redacted:github-token]",
    }


def test_bodies_are_redacted_all_the_way_down() -> None:
    assert redact_body(
        {
            "line": "mysql -phunter2",
            "status": 0,
            "commands": [["mysql", "-phunter2"], ["ls", 3]],
            "environment": {"TOKEN": "abc", "HOME": "/home/alice"},
            "rules": [{"id": "no-passwords", "hint": None}],
            "hash": _SHA256,
            "key": _HEX,
            "session": _HEX,
            "STRIPE_KEY": _HEX,
            "password": "x",
        }
    ) == {
        "line": "mysql -p[redacted:password]",
        "status": 0,
        "commands": [["mysql", "-p[redacted:password]"], ["ls", 3]],
        "environment": {"TOKEN": "[redacted:token]", "HOME": "/home/alice"},
        "rules": [{"id": "no-passwords", "hint": None}],
        "hash": _SHA256,
        "key": _HEX,
        "session": _HEX,
        "STRIPE_KEY": "[redacted:key]",
        "password": "[redacted:password]",
    }


@pytest.mark.parametrize(
    "hidden",
    [
        'echo "-----BEGIN PRIVATE KEY-----\n$(rm a.txt)\n-----END PRIVATE KEY-----"',
        ": -----BEGIN PRIVATE KEY-----\ntouch hidden-proof\n: -----END PRIVATE KEY-----",
        ": -----BEGIN PRIVATE KEY-----; rm -rf build sources tests; -----END PRIVATE KEY-----",
    ],
)
def test_marks_of_a_key_hide_no_command(hidden: str) -> None:
    assert redact_text(hidden) == hidden
