"""Tables with rows that cannot be read."""

HEADER = b"a,b,label\n"
TINY = ("--epochs", "2", "--set", "units=4", "--batch-size", "16")
BAD = {  # a line, and what is said of it
    b"1,2,x,4\n": "has 4 fields (expected 3 as in the header)",
    b"1\n": "has 1 field (expected 3 as in the header)",
    b"\0\0\0\0\n": "holds zero bytes (expected UTF-8 text)",
    b"1,\xe9,x\n": "is not UTF-8 text: byte 0xe9 cannot be read (expected UTF-8)",
    b"1,2,x\0\n": "holds zero bytes (expected UTF-8 text)",
}


def good_rows(count, width=1):
    """Return lines of a table: every tenth has quotes, every tenth of those a line break."""
    quoted = {3: b'"a, b"', 13: b'"two\nlines"', 23: b'"say ""so"""', 33: b"caf\xc3\xa9"}
    return [
        b"%0*d,%s,%s\n" % (width, i, quoted.get(i % 100, b"t%d" % (i % 5)), b"xy"[i % 2 :][:1])
        for i in range(count)
    ]


def spoil(good, bad, end=b"\n"):
    """Return a file with some more lines, given by the good row they come before, and without."""
    lines = []
    for position, row in enumerate([*good, b""]):
        lines += [line for at, line in bad if at == position] + [row]
    return tuple(b"".join([HEADER, *part]).replace(b"\n", end) for part in (lines, good))
