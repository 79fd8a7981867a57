"""Twenty processes ask for one lock; run as a script, with its folder."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from pathlib import Path

from bt_lstm_rotation.errors import HeldError
from bt_lstm_rotation.paper.lock import writer


def main(folder: Path) -> None:
    ready, go = os.pipe()
    told, tell = os.pipe()
    stay, leave = os.pipe()
    pids = []
    for _ in range(20):
        pid = os.fork()
        if not pid:
            os.close(go)
            os.close(leave)
            os.read(ready, 1)  # until all have been started
            try:
                with writer(folder, purpose="step", now=dt.datetime.now(dt.UTC)):
                    os.write(tell, b"held\n")
                    os.read(stay, 1)  # until all have answered
            except HeldError as error:
                os.write(tell, f"refused {error.pid}\n".encode())
            os._exit(0)
        pids.append(pid)
    os.close(go)
    answers = b""
    while answers.count(b"\n") < 20:
        answers += os.read(told, 4096)
    os.close(leave)
    codes = [os.waitpid(pid, 0)[1] for pid in pids]
    sys.stdout.write(
        json.dumps({"answers": answers.decode().split("\n")[:-1], "codes": codes})
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
