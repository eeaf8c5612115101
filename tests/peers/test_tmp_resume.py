import time
from acting import make_stage, results
from office import wait_until
import pytest
pytestmark = [pytest.mark.peers, pytest.mark.kernel]
def test_it(installation):
    stage = make_stage(installation, "claude", (("shell", "echo hello-from-tool"),))
    stage.told("agents", "run", "alice", "say hello")
    time.sleep(15)
    print(stage.logs("alice","-n","60"))
    print([e["body"] for e in stage.log("line")])
    print([e["body"] for e in stage.log("tool")])
    print([e["body"] for e in stage.log("hook")])
    print([e["body"] for e in stage.log("asked")])
    print(stage.polis("agents","explain","alice").out)
    time.sleep(1)
    home=stage.home()
    import subprocess
    print(subprocess.run(["find",str(home/".claude"),"-name","*.jsonl"],capture_output=True,text=True).stdout)
    stage.told("agents", "stop", "alice")
    print(stage.polis("agents","explain","alice").out)
    print(subprocess.run(["find",str(home/".claude"),"-name","*.jsonl"],capture_output=True,text=True).stdout)
    r=stage.polis("agents", "run", "alice", "--resume", "now the tests")
    print(r)
    time.sleep(12)
    print(stage.logs("alice","-n","60"))
    print([e["body"] for e in stage.log("line")])
    print([e["body"] for e in stage.log("prompt-lost")])
    print(stage.polis("agents","explain","alice").out)
    assert 0
