"""What a writer says it did, transaction by transaction, in its own order."""
import json
import os
from collections import namedtuple

from log_rows import image_text
from values import of_text

Transaction = namedtuple("Transaction", "writer seq second_from second_to changes")


class Tables:
    """Kinds of columns and keys by table, from tables.json."""

    def __init__(self, folder):
        with open(os.path.join(folder, "tables.json"), encoding="utf-8") as file:
            self.by_name = {table["name"]: table for table in json.load(file)}
        self.kinds = {name: [column["kind"] for column in table["columns"]] for name, table in self.by_name.items()}
        names = {name: [column["name"] for column in table["columns"]] for name, table in self.by_name.items()}
        self.keys = {name: [names[name].index(key) for key in table["key"]] for name, table in self.by_name.items()}

    def image(self, table, texts):
        """As one text; None where there is no row."""
        if texts is None:
            return None
        return image_text([of_text(kind, text) for kind, text in zip(self.kinds[table], texts)])

    def key(self, table, image):
        """The key's values of an image; None for a table that has no key."""
        places = self.keys[table]
        if not places:
            return None
        values = json.loads(image)
        return tuple(values[place] for place in places)


class History:
    """Committed transactions of one writer, read once from the first to the last."""

    def __init__(self, folder, writer, tables):
        self.writer = writer
        self.tables = tables
        self.file = open(os.path.join(folder, "history-%d.jsonl" % writer), encoding="utf-8")
        self.head = self._read()

    def take(self):
        """The next one, or None at the end."""
        transaction, self.head = self.head, self._read() if self.head else None
        return transaction

    def _read(self):
        for line in self.file:
            record = json.loads(line)
            if record["outcome"] != "committed":
                continue
            changes = [
                (table, self.tables.image(table, before), self.tables.image(table, after))
                for table, before, after in record["changes"]
            ]
            return Transaction(self.writer, record["seq"], record["from"], record["to"], changes)
        self.file.close()
        return None
