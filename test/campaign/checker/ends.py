"""Where everything ended: each merge against the source as it was dumped, and the histories against the source."""
import json
import os
from collections import Counter

SHOWN_MAX = 3


def compare_merge(name, source_images, merged_images, faults):
    """Rows as multisets: what was counted up by one side and not down by the other is a fault. Returns the rows."""
    difference = Counter()
    rows = 0
    for image in source_images:
        difference[image] += 1
        rows += 1
    for image in merged_images:
        difference[image] -= 1
        if difference[image] == 0:
            del difference[image]
    for image, count in difference.items():
        kind = "row missing in the merge" if count > 0 else "row of the merge that the source has not"
        faults.add(kind, "%s: %s" % (name, image[:300]), abs(count))
    return rows


def source_images(folder, name, tables):
    with open(os.path.join(folder, "source-%s.jsonl" % name), encoding="utf-8") as file:
        for line in file:
            yield tables.image(name, json.loads(line))


def compare_history(folder, walk, tables, faults):
    """Rows that the writers changed must be in the source as they left them: else the histories themselves are wrong."""
    left = {key for key, image in walk.rows.items() if image is not None}
    for name in tables.by_name:
        if name in walk.counts:
            counts = Counter(source_images(folder, name, tables))
            for image, count in walk.counts[name].items():
                if counts[image] != count:
                    text = "%s: %s stands %d times, the writers left %d" % (name, image, counts[image], count)
                    faults.add("history is not what the source has", text)
            continue
        for image in source_images(folder, name, tables):
            key = (name, tables.key(name, image))
            left.discard(key)
            if key in walk.rows and walk.rows[key] != hash(image):
                faults.add("history is not what the source has", "%s: %s" % (name, image[:300]))
    for name, key in left:
        faults.add("history is not what the source has", "%s: %s is gone" % (name, key))
