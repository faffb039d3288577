"""Faults that were found: all are counted, the first ones of each kind are told."""

TOLD_MAX = 5


class Faults:
    def __init__(self):
        self.counts = {}
        self.told = []

    def add(self, kind, text, count=1):
        before = self.counts.get(kind, 0)
        self.counts[kind] = before + count
        if before < TOLD_MAX:
            self.told.append("%s: %s" % (kind, text))

    def __len__(self):
        return sum(self.counts.values())
