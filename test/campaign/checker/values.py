"""Values in one form, whoever wrote them: the server's texts in the history, PyODPS's objects in the tables."""
from datetime import date, datetime
from decimal import Decimal


def of_text(kind, text):
    """A text as the server shows it."""
    if text is None or kind in ("text", "bytes"):
        return text
    if kind in ("int", "bit"):
        return str(int(text))
    if kind == "decimal":
        return _decimal(Decimal(text))
    if kind == "float":
        return repr(float(text))
    if kind == "time":
        return text.rstrip("0").rstrip(".") if "." in text else text
    raise ValueError("kind " + kind)


def of_object(kind, value):
    """A value as PyODPS hands it out."""
    if value is None:
        return None
    if kind == "bytes":
        return bytes(value).hex().upper()
    if kind == "decimal":
        return _decimal(value)
    if kind == "float":
        return repr(float(value))
    if kind == "time":
        return of_text(kind, value.strftime("%Y-%m-%d %H:%M:%S.%f"))
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value)


def _decimal(value):
    return "0" if value == 0 else format(value.normalize(), "f")
