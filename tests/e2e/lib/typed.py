"""typed.py TEXT COMMAND... - run COMMAND on a terminal on which TEXT is typed

TEXT is typed, with Enter behind, when the terminal stops echoing (a hidden
prompt), or a question ends in "[y/N] ". What the terminal showed goes to
standard output; the exit code is the command's.
"""
import os
import pty
import select
import sys
import termios
import time


def is_silent(fd):
    return not termios.tcgetattr(fd)[3] & termios.ECHO


def main(text, argv, seconds=20):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)
    shown, waiting, end = b"", True, time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.02)[0]:
            try:
                got = os.read(terminal, 65536)
            except OSError:
                break
            if not got:
                break
            shown += got
        if waiting and (shown.endswith(b"[y/N] ") or
                        shown and is_silent(terminal)):
            os.write(terminal, text.encode() + b"\r")
            waiting = False
    sys.stdout.write(shown.decode("utf-8", "replace").replace("\r\n", "\n"))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
