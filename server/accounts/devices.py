"""What a session is called in the list of one's sessions: a kind of device, and nothing finer.  Pure."""

# The first that is found in the User-Agent counts: Chrome calls itself Safari, Edge calls itself Chrome.
PROGRAMS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
    ("python", "a program"),
    ("curl/", "a program"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
UNKNOWN = "another device"


def device_label(user_agent: str) -> str:
    """“Firefox on Android”, out of what a browser says of itself; versions and models are nobody's business."""
    program = next((name for mark, name in PROGRAMS if mark in user_agent), UNKNOWN)
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{program} on {system}" if system else program
