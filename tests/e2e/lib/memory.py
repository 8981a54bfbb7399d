"""memory - what stands in a process's memory and environment (root only)"""
import errno


def environ(pid):
    with open(f"/proc/{pid}/environ", "rb") as f:
        return f.read()


def regions(pid):
    """(first, end, line) of all that can be read."""
    with open(f"/proc/{pid}/maps") as f:
        for line in f:
            span, rights = line.split()[:2]
            first, end = (int(x, 16) for x in span.split("-"))
            if "r" in rights and "[v" not in line:
                yield first, end, line.strip()


def read_region(mem, first, end):
    """None: nobody can, not even root (memfd_secret)."""
    parts = []
    while first < end:
        try:
            mem.seek(first)
            part = mem.read(min(end - first, 1 << 20))
        except OSError as e:
            if e.errno not in (errno.EIO, errno.EFAULT, errno.ENXIO):
                raise
            return b"".join(parts) if parts else None
        if not part:
            break
        parts.append(part)
        first += len(part)
    return b"".join(parts)


def findings(pids, needles):
    """[(pid, region, needle)]: each region is read once for all of them."""
    found = []
    for pid in pids:
        with open(f"/proc/{pid}/mem", "rb", 0) as mem:
            for first, end, line in regions(pid):
                data = read_region(mem, first, end)
                found += [(pid, line, n) for n in needles
                          if data and n in data]
        found += [(pid, "environ", n) for n in needles if n in environ(pid)]
    return found


def holders(pids, needle):
    """[(pid, region)] of those that have these bytes."""
    return [(pid, where) for pid, where, _ in findings(pids, [needle])]
