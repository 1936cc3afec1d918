"""`shareledger department`: the tree of departments."""

from ledger.cli.acts import ActCommand, act_command
from ledger.cli.command import noun
from ledger.cli.reads import list_command, show_command

app = noun("Departments 部门: register, change, list, show.")

act_command(
    app,
    "register",
    ActCommand(
        act="RegisterDepartment",
        route="/departments",
        help="Register a department below yours. Signed by a director of an authority.",
        target="department",
        target_help="Code of the new department.",
    ),
)
act_command(
    app,
    "change",
    ActCommand(
        act="ChangeDepartment",
        route="/departments/{department}/changes",
        help="Change a department's place, level or roles. Signed by a director of an authority above it.",
        target="department",
        target_help="Code of the department.",
    ),
)
list_command(
    app,
    "/departments",
    ("code", "parent", "level", "roles"),
    "List departments.",
    filters=(("parent", "Right below this department."),),
)
show_command(app, "/departments/{department}", "department", "Show a department.", about="Its code.")
