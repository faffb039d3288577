"""The change logs held against the writers' histories. The logs must be whole transactions one after the other, those of a
writer in its own order, each change with both images as the writer knows them, none missing and none besides.

Each transaction changes its writer's row in `turns`, so the log says whose transaction it is. Two things may be missing:
transactions before the first start position (they are in the baselines), and changes of a table that was copied anew, in one
run of transactions between the place of the stream and the table's new start position. The notes in starts.jsonl bound both."""
import itertools
import json
import os
from collections import Counter, deque

LOOK_AHEAD_MAX = 50000


class Starts:
    """Start positions that tables were given: what may be missing because of each."""

    def __init__(self, folder):
        self.latest = {}
        with open(os.path.join(folder, "starts.jsonl"), encoding="utf-8") as file:
            for line in file:
                note = json.loads(line)
                self.latest[note["table"], note["generation"]] = note
        self.copied_again = Counter()
        first = {}
        for (table, generation), note in sorted(self.latest.items()):
            if table in first:
                self.copied_again[table] += 1
            else:
                first[table] = generation
        self.first = first

    def prefix(self, writer):
        """Number of the last transaction of a writer that may lie before the first start position."""
        return self.latest["turns", self.first["turns"]]["seqs"][writer]

    def may_miss(self, table, writer, seq, record_id):
        return any(
            note["afterRecordId"] < record_id and seq <= note["seqs"][writer]
            for (name, generation), note in self.latest.items()
            if name == table and generation != self.first[name]
        )


class Walk:
    def __init__(self, tables, histories, starts, faults):
        self.tables = tables
        self.histories = histories
        self.starts = starts
        self.faults = faults
        self.window = deque()
        self.joined = set()
        self.previous = ()
        self.missing_now = set()
        self.missing_runs = Counter()
        self.rows = {}
        self.counts = {name: Counter() for name, places in tables.keys.items() if not places}
        self.figures = Counter()

    def run(self, changes):
        changes = iter(changes)
        while True:
            turn = self._next_turn(changes)
            if turn is None:
                break
            transaction = self._transaction(turn)
            if transaction is None:
                self._drop(turn + 1)
            else:
                self._match(transaction, turn, changes)
        for change in self.window:
            self.faults.add("change of no transaction", describe(change))
        for history in self.histories:
            self._rest_is_missing(history)

    def _next_turn(self, changes):
        """Place of the next change of `turns` in the window, which is filled up to it."""
        place = 0
        while place < LOOK_AHEAD_MAX:
            if place == len(self.window):
                change = next(changes, None)
                if change is None:
                    return None
                self.window.append(change)
            if self.window[place].table == "turns":
                return place
            place += 1
        raise SystemExit("no transaction begins within %d changes of %s" % (place, describe(self.window[0])))

    def _transaction(self, turn):
        """The transaction that this turn belongs to; None, and a fault, where there is none."""
        change = self.window[turn]
        writer, seq = (int(value) for value in json.loads(change.after or change.before))
        if not 0 <= writer < len(self.histories):
            self.faults.add("change of no transaction", describe(change))
            return None
        history = self.histories[writer]
        while history.head is not None and history.head.seq < seq:
            skipped = history.take()
            if writer not in self.joined and skipped.seq <= self.starts.prefix(writer):
                self._before_start(skipped)
            else:
                self.faults.add("transaction lost", name_of(skipped))
        if history.head is None or history.head.seq != seq:
            self.faults.add("transaction twice, or never committed", "%d/%d: %s" % (writer, seq, describe(change)))
            return None
        self.joined.add(writer)
        return history.take()

    def _before_start(self, transaction):
        self.figures["transactions before the first start position"] += 1
        self.figures["changes before the first start position"] += len(transaction.changes)
        for table, before, after in transaction.changes:
            if table in self.counts:
                self._count(table, before, after)

    def _match(self, transaction, turn, changes):
        for missing in self._ways(transaction):
            expected = [change for change in transaction.changes if change[0] not in missing]
            self._fill(len(expected), changes)
            if self._agrees(expected):
                self._note_missing(transaction, missing)
                self._apply(transaction, expected)
                self._drop(len(expected))
                return
        self._tell_mismatch(transaction, turn, changes)

    def _ways(self, transaction):
        """Sets of tables whose changes may be missing from the log, the empty one first."""
        record_id = self.window[0].record_id
        names = sorted({table for table, _, _ in transaction.changes} - {"turns"})
        names = [name for name in names if self.starts.may_miss(name, transaction.writer, transaction.seq, record_id)]
        for count in range(len(names) + 1):
            for chosen in itertools.combinations(names, count):
                yield set(chosen)

    def _fill(self, count, changes):
        while len(self.window) < count:
            change = next(changes, None)
            if change is None:
                return
            self.window.append(change)

    def _agrees(self, expected):
        if len(self.window) < len(expected):
            return False
        return all(same(wanted, found) for wanted, found in zip(expected, self.window))

    def _note_missing(self, transaction, missing):
        """The changes that a new baseline holds are one run of transactions for each time that a table was copied again."""
        for table in {table for table, _, _ in transaction.changes}:
            if table not in missing:
                self.missing_now.discard(table)
                continue
            if table not in self.missing_now:
                self.missing_now.add(table)
                self.missing_runs[table] += 1
                if self.missing_runs[table] > self.starts.copied_again[table]:
                    self.faults.add("changes lost", "of %s in transaction %s" % (table, name_of(transaction)))
        self.figures["changes in baselines copied again"] += sum(change[0] in missing for change in transaction.changes)

    def _apply(self, transaction, expected):
        self.figures["transactions in the logs"] += 1
        for (table, before, after), found in zip(expected, self.window):
            self.figures["changes in the logs"] += 1
            self.figures[{"I": "inserts", "U": "updates", "D": "deletes"}[found.operation]] += 1
            if not transaction.second_from - 1 <= found.second <= transaction.second_to + 1:
                self.faults.add(
                    "wrong utc_timestamp",
                    "%s: %s, written from %d to %d" % (describe(found), found.second, transaction.second_from, transaction.second_to),
                )
        self.previous = transaction.changes
        # What a new baseline holds instead of the log is a step of the row all the same.
        for table, before, after in transaction.changes:
            if table in self.counts:
                self._count(table, before, after)
            else:
                self._step(transaction, table, before, after)

    def _step(self, transaction, table, before, after):
        """The image before a change must be the one after the last change of that row."""
        if before is not None:
            key = (table, self.tables.key(table, before))
            if key in self.rows and self.rows[key] != hash(before):
                self.faults.add("wrong order", "%s: %s is not what the row was before" % (name_of(transaction), before[:200]))
            self.rows[key] = None
        if after is not None:
            key = (table, self.tables.key(table, after))
            if self.rows.get(key) is not None:
                self.faults.add("wrong order", "%s: %s was there already" % (name_of(transaction), after[:200]))
            self.rows[key] = hash(after)

    def _count(self, table, before, after):
        if before is not None:
            self.counts[table][before] -= 1
        if after is not None:
            self.counts[table][after] += 1

    def _tell_mismatch(self, transaction, turn, changes):
        """Names what is wrong, and goes on behind the rows that are this transaction's."""
        self._fill(turn + len(transaction.changes), changes)
        wanted = Counter(transaction.changes)
        found = Counter()
        end = 0
        # Up to its turn all is taken for its own; behind it, as far as its changes go on.
        while end < len(self.window):
            change = plain(self.window[end])
            if end > turn and found[change] >= wanted[change]:
                break
            found[change] += 1
            end += 1
        where = "transaction %s at record id %d" % (name_of(transaction), self.window[0].record_id)
        lost, more = wanted - found, found - wanted
        for change in lost:
            self.faults.add("change lost, transaction torn", "%s: %s" % (where, render(change)), lost[change])
        for change in more:
            is_twice = change in wanted or change in self.previous
            kind = "change twice" if is_twice else "change of another image or transaction"
            self.faults.add(kind, "%s: %s" % (where, render(change)), more[change])
        if not lost and not more:
            self.faults.add("wrong order", "%s: all of its changes, in another order" % where)
        self._apply(transaction, [])
        self._drop(end)

    def _drop(self, count):
        for _ in range(count):
            self.window.popleft()

    def _rest_is_missing(self, history):
        while history.head is not None:
            transaction = history.take()
            if history.writer not in self.joined and transaction.seq <= self.starts.prefix(history.writer):
                self._before_start(transaction)
            else:
                self.faults.add("transaction lost", name_of(transaction))


def same(wanted, found):
    return wanted[0] == found.table and wanted[1] == found.before and wanted[2] == found.after


def plain(change):
    return (change.table, change.before, change.after)


def name_of(transaction):
    return "%d/%d" % (transaction.writer, transaction.seq)


def describe(change):
    return "record id %s, %s" % (change.record_id, render(plain(change)))


def render(change):
    table, before, after = change
    return "%s %s -> %s" % (table, (before or "no row")[:200], (after or "no row")[:200])
