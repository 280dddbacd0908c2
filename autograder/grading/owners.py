"""Whose a file is: the layouts in which learning platforms hand a class over, as a table of named patterns.

A layout is recognised by the names on top, which the platform makes. Students choose the names below them, so nothing
down there says whose a file is. The platform's number (or user name) is the identity; the name is for people.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import yaml
from dateutil import parser, tz

from lessonkit.errors import CourseError

LONGEST_TIME = 100  # characters of a text that says a time
OUR_OWN = {"attention-course", "lessons", "solutions", "handin", "submitted", "submissions"}  # names of our release


@dataclass(frozen=True)
class Owner:
    """Who handed something in, as the platform says it. `attempt` orders several by one student: the last counts."""

    id: str
    name: str = ""
    time: datetime | None = None
    late: bool = False  # the platform marked it as late
    attempt: int = 0
    file: str = ""  # the student's own name of the file, where the platform puts marks before it
    layout: str = ""
    stamped: bool = False  # the time stands in nbgrader's timestamp.txt
    from_zip: bool = False  # the time is that of the zip's entry

    @property
    def order(self) -> tuple:
        """Later attempts are greater."""
        return (self.attempt, self.time.replace(tzinfo=None) if self.time else datetime.min)


@dataclass(frozen=True)
class Layout:
    """How a platform names what a student handed in. `pattern` has the groups id, name, time, late, attempt, file.

    `below`: a pattern that the path in such a folder must have, where the folder's name alone is no evidence.
    `not_theirs`: a pattern of paths in it that the platform or the instructor put there.
    """

    name: str
    pattern: re.Pattern
    times: str = ""  # the form of the group time; empty: whatever dateutil reads
    below: re.Pattern | None = None
    not_theirs: re.Pattern | None = None


def _layout(name: str, pattern: str, times: str = "", below: str = "", not_theirs: str = "") -> Layout:
    further = (re.compile(path) if path else None for path in (below, not_theirs))
    return Layout(name, re.compile(pattern, re.DOTALL), times, *further)


SAKAI, EXCHANGE = "Sakai", "nbgrader exchange"
# In this order: the first whose pattern fits most of what lies on top.
LAYOUTS = (
    # Full Name_12345_assignsubmission_file_[/...] (Moodle, "Download all submissions"); a name may hold the mark, too
    _layout("Moodle", r"(?P<name>.*)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext|comments)(?:_(?P<file>.*))?$"),
    # 12345-67890 - Full Name - Mar 1, 2026 1159 PM[ - file]
    _layout(
        "Brightspace",
        r"(?P<id>\d+)-\d+ ?- ?(?P<name>.+?) ?- ?(?P<time>(?:[^\W\d]+\.? \d{1,2}|\d{1,2}\.? [^\W\d]+\.?),? \d{4},? "
        r"\d{1,2}[: h]?\d\d(?: ?[AaPp]\.?[Mm]\.?)?)(?: ?- ?(?P<file>.*))?$",
    ),
    # Assignment_user_attempt_2026-03-01-10-00-00_file
    _layout(
        "Blackboard",
        r"(?P<head>(?:(?!_attempt_).)*)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:[_.](?P<file>.*))?$",
        "%Y-%m-%d-%H-%M-%S",
    ),
    # ada+03_additive_attention+2026-03-01 10:00:00 UTC[+random]: nbgrader's exchange, inbound
    _layout(EXCHANGE, r"(?P<id>[^+]+)\+\d\d_[^+]+\+(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[^+]*)(?:\+.*)?$"),
    # submission_123456789/..., with submission_metadata.yml beside the folders
    _layout("Gradescope", r"submission_(?P<id>\d+)$"),
    # Last_First_login_12345/20260301100000_file
    _layout("ILIAS", r"(?P<name>[^_]+_[^_]+)_.+_(?P<id>\d+)$", "%Y%m%d%H%M%S", r"(?P<time>\d{14})_(?P<file>[^/]+)"),
    # Last, First(login)/Submission attachment(s)/file, beside timestamp.txt (form from memory) and what was handed back
    _layout(
        SAKAI,
        r"(?P<name>[^()]*)\((?P<id>[^()]+)\)$",
        "%Y%m%d%H%M%S%f",
        r"Submission attachment\(s\)/|timestamp\.txt$",
        r"[^/]+$|Feedback Attachment\(s\)/",
    ),
    # Full Name/Assignment/Version 2/file, in the folder "Submitted files" of the class's SharePoint (from memory)
    _layout(
        "Microsoft Teams",
        r"(?P<id>(?P<name>.+))$",
        below=r"[^/]+/Version (?P<attempt>\d+)/(?:.*/)?(?P<file>[^/]+)$",
    ),
    # ada@uni.edu_3_file: Autolab (form from memory)
    _layout("Autolab", r"(?P<id>[^/@]+@[^/_@]+)_(?P<attempt>\d+)_(?P<file>.+)$"),
    # anon_aB3dE[_LATE]_67890_file: where names are hidden from who grades
    _layout(
        "Canvas, anonymous", r"anon_(?P<id>[0-9A-Za-z]+)(?P<late>_LATE)?_(?:(?P<attempt>\d+)_(?P<file>.+)|text\.html)$"
    ),
    # lastfirst[_LATE]_12345_67890_file[-1]; without the second number where a text was typed in
    _layout(
        "Canvas",
        r"(?P<name>[^_/]*?)(?P<late>_LATE)?_(?P<id>\d+)_(?:(?P<attempt>\d+)_(?P<file>.+)|(?:text|link)\.html)$",
    ),
)
FOLDERS, FLAT = "a folder a student", "one flat folder"


def custom(pattern: str) -> re.Pattern:
    """A pattern of the instructor's own, with nbgrader's named groups: student_id, timestamp, file_id, first_name ...

    Raises:
        CourseError: it is no pattern, or has no group student_id.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise CourseError(f"--pattern is no regular expression: {error}.") from error
    if "student_id" not in compiled.groupindex:
        raise CourseError("--pattern needs a named group (?P<student_id>...) that says whose a file is.")
    return compiled


def owner_by(pattern: re.Pattern, path: str) -> Owner | None:
    """Whose a file is by the instructor's own pattern, which is looked for in its path.

    Raises:
        CourseError: the pattern fits two students in one path.
    """
    found = [match.groupdict() for match in pattern.finditer(path)]
    students = {groups["student_id"] for groups in found if groups.get("student_id")}
    if len(students) > 1:
        raise CourseError(
            f"--pattern finds {len(students)} students in {path}: {', '.join(sorted(students))}. Make it more exact."
        )
    if not students:
        return None
    groups = next(g for g in found if g.get("student_id"))
    name = " ".join(groups[part] for part in ("first_name", "last_name") if groups.get(part))
    attempt = re.sub(r"\D", "", groups.get("attempt") or "")
    return Owner(
        groups["student_id"],
        name or groups.get("name") or "",
        moment(groups.get("timestamp") or ""),
        attempt=int(attempt[:15] or 0),
        file=groups.get("file_id") or "",
        layout="--pattern",
    )


def layout_of(heads: Mapping[str, Sequence[str]], lessons: Sequence[str]) -> Layout | None:
    """The platform's layout that most of the names on top have; `heads`: each with the names right below it.

    A student has one name on top, so no student can decide this for the others.
    """
    for layout in LAYOUTS:
        fitting = [head for head, below in heads.items() if _fits(layout, head, below, lessons)]
        if 2 * len(fitting) > len(heads):
            return layout
    return None


def _fits(layout: Layout, head: str, below: Sequence[str], lessons: Sequence[str]) -> bool:
    found = layout.pattern.match(head)
    if found is None or _cuts_a_lessons_name(found, lessons):
        return False
    return layout.below is None or any(layout.below.match(name) for name in below)


def _cuts_a_lessons_name(found: re.Match, lessons: Sequence[str]) -> bool:
    """Whether a number that the layout takes for its own is a lesson's: ada_7_03_additive_attention.ipynb."""
    file = found.groupdict().get("file")
    if not file:
        return False
    at = found.start("file")
    return any(found.string.find(name, 0, at + len(name) - 1) >= 0 for name in lessons if name not in file)


def owner_in(layout: Layout, head: str, below: str, prefix: str = "") -> Owner | None:
    """Whose something is by a platform's layout, from its name on top and the one below. `prefix`: Blackboard's."""
    match = layout.pattern.match(head)
    if not match:
        return None
    groups = match.groupdict()
    if layout.below is not None:
        inner = layout.below.match(below)
        groups |= inner.groupdict() if inner else {}
    if "head" in groups:  # assignment and user name, both of which may hold an underscore
        groups["id"] = groups["head"][len(prefix) :] if prefix else groups["head"].rpartition("_")[2]
    return Owner(
        groups["id"],
        (groups.get("name") or "").replace("_", " ").strip(),
        moment(groups.get("time") or "", layout.times),
        bool(groups.get("late")),
        int((groups.get("attempt") or "0")[:15]),
        groups.get("file") or "",
        layout.name,
    )


def two_marks(layout: Layout, name: str) -> bool:
    """Whether a file's name holds Moodle's mark twice, so that it can't be told what is the student's own."""
    return layout.name == "Moodle" and name.count("_assignsubmission_") > 1


def common_beginning(heads: Sequence[str], ends: str) -> str:
    """What all names begin with, up to the last character that is one of `ends`; "" for fewer than two names."""
    if len(heads) < 2:
        return ""
    first, last = min(heads), max(heads)
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    at = max(first[:same].rfind(end) for end in ends)
    return first[: at + 1]


def stamp_folder(owner: Owner, parts: Sequence[str]) -> tuple[str, ...] | None:
    """Where the platform itself put a file timestamp.txt that is about a notebook; None where a student might have."""
    if owner.layout == SAKAI:
        above = next((i for i, part in enumerate(parts) if part.startswith("Submission attachment")), len(parts) - 1)
        return tuple(parts[:above])
    return tuple(parts[:-1]) if owner.layout in (FOLDERS, EXCHANGE, "--pattern") else None


def stamp_form(owner: Owner) -> str:
    """The form of the time in such a file; empty: whatever dateutil reads, as nbgrader's."""
    return next(layout.times for layout in LAYOUTS if layout.name == SAKAI) if owner.layout == SAKAI else ""


def moment(text: str, form: str = "") -> datetime | None:
    """The time that a text says, with its time zone if it names one; None if it says none."""
    if not text or len(text) > LONGEST_TIME:
        return None
    try:
        if form:
            return datetime.strptime(text, form)
        stamp = re.fullmatch(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) (\w+/\w+)", text.strip())
        if stamp and (zone := tz.gettz(stamp[2])):  # nbgrader's timestamp.txt: a time and the name of a zone
            return datetime.fromisoformat(stamp[1]).replace(tzinfo=zone)
        text = re.sub(r"(\d{1,2})(\d\d) ?([AP]M)$", r"\1:\2 \3", text)  # 1159 PM
        return parser.parse(text, tzinfos={"UTC": tz.UTC})
    except (ValueError, OverflowError):
        return None


def gradescope_owners(metadata: bytes) -> dict[str, list[Owner]]:
    """For each folder of Gradescope's export its submitters (a group has several), from submission_metadata.yml."""
    try:
        found = yaml.safe_load(metadata.decode("utf-8", "replace"))
    except yaml.YAMLError:
        return {}
    owners: dict[str, list[Owner]] = {}
    for folder, entry in found.items() if isinstance(found, dict) else ():
        if not isinstance(entry, dict):
            continue
        created = entry.get(":created_at")
        time = created if isinstance(created, datetime) else moment(str(created or ""))
        people = entry.get(":submitters")
        for person in people if isinstance(people, list) else ():
            if isinstance(person, dict):
                identity = next((str(person[key]) for key in (":sid", ":email", ":name") if person.get(key)), "")
                if identity:
                    owner = Owner(identity, str(person.get(":name") or ""), time, layout="Gradescope")
                    owners.setdefault(str(folder), []).append(owner)
    return owners
