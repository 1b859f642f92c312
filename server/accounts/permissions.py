"""Who may do and see what, as one table.  Pure.  `python -m server.accounts.permissions` prints docs/permissions.md.

A cell says how far a permission reaches: OWN things only, or ALL.  What makes an order somebody's own stands in
`is_own`; whether an order's status allows a command is not decided here but by the order's own table.
"""

from enum import StrEnum
from uuid import UUID

from server.accounts.roles import Role
from server.accounts.viewer import Viewer
from server.errors import NotAllowed, NotFound


class OrderNotFound(NotFound):
    """No order has this id, or it is not yours to know about."""

    code = "order_not_found"


class Permission(StrEnum):
    """What can be permitted; imperatives, as commands are."""

    PLACE_ORDER = "place_order"
    SEE_ORDER = "see_order"
    ANSWER_ORDER = "answer_order"  # accept or reject
    CANCEL_ORDER = "cancel_order"
    SEE_CONTACT = "see_contact"  # the name, phone and exact address an order goes to
    ASSIGN_COURIER = "assign_courier"
    CARRY_ORDER = "carry_order"  # pick up and deliver
    SEND_POSITION = "send_position"
    SEE_COURIERS = "see_couriers"  # where they are now
    SEE_TRACK = "see_track"  # where one was
    SEE_MERCHANTS = "see_merchants"
    MANAGE_MERCHANTS = "manage_merchants"
    MANAGE_ACCOUNTS = "manage_accounts"


class Scope(StrEnum):
    """How far a permission reaches."""

    OWN = "own"
    ALL = "all"


OWN, ALL = Scope.OWN, Scope.ALL

# fmt: off
PERMISSIONS: dict[Permission, dict[Role, Scope]] = {
    Permission.PLACE_ORDER: {Role.CUSTOMER: OWN},
    Permission.SEE_ORDER: {
        Role.CUSTOMER: OWN, Role.MERCHANT: OWN, Role.COURIER: OWN,
        Role.DISPATCHER: ALL, Role.CUSTOMER_SERVICE: ALL, Role.OPERATIONS_MANAGER: ALL,
    },
    Permission.ANSWER_ORDER: {Role.MERCHANT: OWN},
    Permission.CANCEL_ORDER: {Role.CUSTOMER: OWN, Role.DISPATCHER: ALL, Role.CUSTOMER_SERVICE: ALL},
    # A merchant hands the bag to a courier and never needs the door it goes to.
    Permission.SEE_CONTACT: {
        Role.CUSTOMER: OWN, Role.COURIER: OWN, Role.DISPATCHER: ALL, Role.CUSTOMER_SERVICE: ALL,
    },
    Permission.ASSIGN_COURIER: {Role.DISPATCHER: ALL},
    Permission.CARRY_ORDER: {Role.COURIER: OWN},
    Permission.SEND_POSITION: {Role.COURIER: OWN},
    Permission.SEE_COURIERS: {Role.COURIER: OWN, Role.DISPATCHER: ALL, Role.OPERATIONS_MANAGER: ALL},
    Permission.SEE_TRACK: {Role.DISPATCHER: ALL, Role.OPERATIONS_MANAGER: ALL},
    Permission.SEE_MERCHANTS: dict.fromkeys(Role, ALL),
    Permission.MANAGE_MERCHANTS: {Role.ADMINISTRATOR: ALL},
    Permission.MANAGE_ACCOUNTS: {Role.ADMINISTRATOR: ALL},
}
# fmt: on


def scope(role: Role, permission: Permission) -> Scope | None:
    """How far `permission` reaches for `role`; None: not at all."""
    return PERMISSIONS[permission].get(role)


def may(role: Role, permission: Permission) -> bool:
    """Whether the role has the permission at all, be it for its own things only."""
    return scope(role, permission) is not None


def require(viewer: Viewer, permission: Permission) -> None:
    """NotAllowed unless the viewer's role has the permission at all."""
    if not may(viewer.role, permission):
        raise NotAllowed(permission=permission.value)


def require_for_all(viewer: Viewer, permission: Permission) -> None:
    """NotAllowed unless the viewer's role has the permission for everybody's things."""
    if scope(viewer.role, permission) is not Scope.ALL:
        raise NotAllowed(permission=permission.value)


def is_own(viewer: Viewer, *, customer_id: UUID, merchant_id: UUID, courier_id: UUID | None) -> bool:
    """Whether an order of these three is the viewer's own, in the viewer's role."""
    match viewer.role:
        case Role.CUSTOMER:
            return viewer.account_id == customer_id
        case Role.MERCHANT:
            return viewer.merchant_id == merchant_id
        case Role.COURIER:
            return viewer.account_id == courier_id
        case _:
            return False


def may_for_order(
    viewer: Viewer,
    permission: Permission,
    *,
    customer_id: UUID,
    merchant_id: UUID,
    courier_id: UUID | None = None,
) -> bool:
    """Whether the viewer has the permission for an order of these three."""
    reach = scope(viewer.role, permission)
    return reach is Scope.ALL or (
        reach is Scope.OWN
        and is_own(viewer, customer_id=customer_id, merchant_id=merchant_id, courier_id=courier_id)
    )


def require_for_order(
    viewer: Viewer,
    permission: Permission,
    *,
    customer_id: UUID,
    merchant_id: UUID,
    courier_id: UUID | None = None,
) -> None:
    """NotAllowed without the permission; OrderNotFound for a foreign one: even that it exists is not theirs to know."""
    require(viewer, permission)
    if not may_for_order(
        viewer, permission, customer_id=customer_id, merchant_id=merchant_id, courier_id=courier_id
    ):
        raise OrderNotFound


def table() -> str:
    """The page docs/permissions.md."""
    lines = [
        "# Who may do what",
        "",
        "Printed by `python -m server.accounts.permissions` from the table in `server/accounts/permissions.py`; a test",
        "compares the two.  *own*: only for orders (positions, …) that are the person's own; *all*: for everybody's;",
        "empty: not at all.",
        "",
        "| | " + " | ".join(role.value.replace("_", " ") for role in Role) + " |",
        "|---" * (len(Role) + 1) + "|",
    ]
    for permission, row in PERMISSIONS.items():
        cells = (row[role].value if role in row else "" for role in Role)
        lines.append(f"| {permission.value.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
