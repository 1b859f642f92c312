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
    SEE_CONTACT = "see_contact"  # the name, phone and exact address an order goes to; see personal.py
    ANSWER_ORDER = "answer_order"  # accept, reject, ready, postpone
    CANCEL_ORDER = "cancel_order"
    UNDO_ORDER = "undo_order"  # a slip, within a minute, by the role that made it
    ASSIGN_COURIER = "assign_courier"
    CARRY_ORDER = "carry_order"  # answer an assignment, pick up, deliver, bring back
    REPORT_EXCEPTION = "report_exception"
    CONFIRM_RECEIPT = "confirm_receipt"
    DISPUTE_ORDER = "dispute_order"
    REDELIVER_ORDER = "redeliver_order"  # after a delivery exception: bring it once more
    SETTLE_ORDER = "settle_order"  # … or have it brought back, or end it without delivery
    MAKE_LINK = "make_link"  # by which somebody without an account follows the order
    REVIEW_ORDER = "review_order"
    REVIEW_HANDOVER = "review_handover"
    SEE_REVIEWS = "see_reviews"

    SEE_TICKET = "see_ticket"
    WORK_TICKET = "work_ticket"  # own, decide, end
    JUDGE_COURIER = "judge_courier"  # warn, suspend, dismiss
    REFUND = "refund"
    SEE_MONEY = "see_money"

    SEND_POSITION = "send_position"
    SEE_COURIERS = "see_couriers"  # where they are now
    SEE_TRACK = "see_track"  # where one was

    SEE_MERCHANTS = "see_merchants"
    MANAGE_MERCHANTS = "manage_merchants"
    MANAGE_MENU = "manage_menu"
    MANAGE_DELIVERY_AREA = "manage_delivery_area"
    MANAGE_WEBHOOKS = "manage_webhooks"
    MAKE_API_KEY = "make_api_key"

    UPLOAD_MEDIA = "upload_media"
    SEE_MEDIA = "see_media"
    SEE_ARCHIVE = "see_archive"
    SEE_AUDIT = "see_audit"
    ERASE_PERSON = "erase_person"
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
    # A merchant hands the bag to a courier and never needs the door it goes to.
    Permission.SEE_CONTACT: {
        Role.CUSTOMER: OWN, Role.COURIER: OWN, Role.DISPATCHER: ALL, Role.CUSTOMER_SERVICE: ALL,
    },
    Permission.ANSWER_ORDER: {Role.MERCHANT: OWN},
    Permission.CANCEL_ORDER: {
        Role.CUSTOMER: OWN, Role.MERCHANT: OWN, Role.DISPATCHER: ALL, Role.CUSTOMER_SERVICE: ALL,
    },
    # As far as cancelling reaches: who made the slip takes it back, nobody else.
    Permission.UNDO_ORDER: {
        Role.CUSTOMER: OWN, Role.MERCHANT: OWN, Role.DISPATCHER: ALL, Role.CUSTOMER_SERVICE: ALL,
    },
    Permission.ASSIGN_COURIER: {Role.DISPATCHER: ALL},
    Permission.CARRY_ORDER: {Role.COURIER: OWN},
    Permission.REPORT_EXCEPTION: {Role.CUSTOMER: OWN, Role.MERCHANT: OWN, Role.COURIER: OWN},
    Permission.CONFIRM_RECEIPT: {Role.CUSTOMER: OWN},
    Permission.DISPUTE_ORDER: {Role.CUSTOMER: OWN},
    Permission.REDELIVER_ORDER: {Role.DISPATCHER: ALL, Role.CUSTOMER_SERVICE: ALL},
    # What an order without delivery costs whom is for those to say who speak with its customer.
    Permission.SETTLE_ORDER: {Role.CUSTOMER_SERVICE: ALL},
    Permission.MAKE_LINK: {Role.CUSTOMER: OWN, Role.CUSTOMER_SERVICE: ALL},
    Permission.REVIEW_ORDER: {Role.CUSTOMER: OWN},
    Permission.REVIEW_HANDOVER: {Role.COURIER: OWN},
    Permission.SEE_REVIEWS: {
        Role.CUSTOMER: OWN, Role.MERCHANT: OWN, Role.COURIER: OWN, Role.CUSTOMER_SERVICE: ALL,
        Role.OPERATIONS_MANAGER: ALL, Role.DATA_ANALYST: ALL,
    },
    Permission.SEE_TICKET: {
        Role.CUSTOMER: OWN, Role.MERCHANT: OWN, Role.COURIER: OWN,
        Role.DISPATCHER: ALL, Role.CUSTOMER_SERVICE: ALL, Role.OPERATIONS_MANAGER: ALL,
    },
    Permission.WORK_TICKET: {
        Role.DISPATCHER: ALL, Role.CUSTOMER_SERVICE: ALL, Role.OPERATIONS_MANAGER: ALL,
    },
    # Not the dispatcher's, who quarrels with couriers every day.
    Permission.JUDGE_COURIER: {Role.OPERATIONS_MANAGER: ALL},
    Permission.REFUND: {Role.CUSTOMER_SERVICE: ALL, Role.OPERATIONS_MANAGER: ALL},
    Permission.SEE_MONEY: {
        Role.MERCHANT: OWN,
        Role.CUSTOMER_SERVICE: ALL, Role.OPERATIONS_MANAGER: ALL, Role.DATA_ANALYST: ALL,
    },
    Permission.SEND_POSITION: {Role.COURIER: OWN},
    Permission.SEE_COURIERS: {Role.COURIER: OWN, Role.DISPATCHER: ALL, Role.OPERATIONS_MANAGER: ALL},
    Permission.SEE_TRACK: {Role.DISPATCHER: ALL, Role.OPERATIONS_MANAGER: ALL},
    Permission.SEE_MERCHANTS: dict.fromkeys(Role, ALL),
    Permission.MANAGE_MERCHANTS: {Role.ADMINISTRATOR: ALL},
    Permission.MANAGE_MENU: {Role.MERCHANT: OWN, Role.ADMINISTRATOR: ALL},
    Permission.MANAGE_DELIVERY_AREA: {
        Role.MERCHANT: OWN, Role.DISPATCHER: ALL, Role.ADMINISTRATOR: ALL,
    },
    Permission.MANAGE_WEBHOOKS: {Role.MERCHANT: OWN, Role.ADMINISTRATOR: ALL},
    Permission.MAKE_API_KEY: {Role.MERCHANT: OWN, Role.ADMINISTRATOR: ALL},
    Permission.UPLOAD_MEDIA: {
        Role.CUSTOMER: OWN, Role.MERCHANT: OWN, Role.COURIER: OWN,
        Role.DISPATCHER: ALL, Role.CUSTOMER_SERVICE: ALL, Role.OPERATIONS_MANAGER: ALL,
    },
    Permission.SEE_MEDIA: {
        Role.CUSTOMER: OWN, Role.MERCHANT: OWN, Role.COURIER: OWN,
        Role.DISPATCHER: ALL, Role.CUSTOMER_SERVICE: ALL, Role.OPERATIONS_MANAGER: ALL,
    },
    Permission.SEE_ARCHIVE: {
        Role.CUSTOMER_SERVICE: ALL, Role.OPERATIONS_MANAGER: ALL, Role.DATA_ANALYST: ALL,
    },
    Permission.SEE_AUDIT: {Role.OPERATIONS_MANAGER: ALL, Role.ADMINISTRATOR: ALL},
    Permission.ERASE_PERSON: {Role.ADMINISTRATOR: ALL},
    Permission.MANAGE_ACCOUNTS: {Role.ADMINISTRATOR: ALL},
}
# fmt: on


def scope(role: Role, permission: Permission) -> Scope | None:
    """How far `permission` reaches for `role`; None: not at all."""
    return PERMISSIONS[permission].get(role)


def reach(viewer: Viewer, permission: Permission) -> Scope | None:
    """How far it reaches for this viewer: as for the role, or less for a program's key and a tracking link."""
    if viewer.permissions is not None and permission not in viewer.permissions:
        return None
    of_role = scope(viewer.role, permission)
    return OWN if of_role is not None and viewer.order_id is not None else of_role


def may(viewer: Viewer, permission: Permission) -> bool:
    """Whether the viewer has the permission at all, be it for their own things only."""
    return reach(viewer, permission) is not None


def require(viewer: Viewer, permission: Permission) -> None:
    """NotAllowed unless the viewer has the permission at all."""
    if not may(viewer, permission):
        raise NotAllowed(permission=permission.value)


def require_for_all(viewer: Viewer, permission: Permission) -> None:
    """NotAllowed unless the viewer has the permission for everybody's things."""
    if reach(viewer, permission) is not Scope.ALL:
        raise NotAllowed(permission=permission.value)


def require_for_merchant(viewer: Viewer, permission: Permission, merchant_id: UUID) -> None:
    """NotAllowed unless the viewer has the permission for what is this merchant's: menu, area, keys, money."""
    own = viewer.role is Role.MERCHANT and viewer.merchant_id == merchant_id
    if reach(viewer, permission) not in ((OWN, ALL) if own else (ALL,)):
        raise NotAllowed(permission=permission.value)


def is_own(
    viewer: Viewer,
    *,
    customer_id: UUID,
    merchant_id: UUID,
    courier_id: UUID | None,
    order_id: UUID | None = None,
) -> bool:
    """Whether an order of these is the viewer's own, in the viewer's role; a link's is the one it was made for."""
    if viewer.order_id is not None:
        return viewer.order_id == order_id
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
    order_id: UUID | None = None,
) -> bool:
    """Whether the viewer has the permission for an order of these; without its id a link never has."""
    how_far = reach(viewer, permission)
    return how_far is Scope.ALL or (
        how_far is Scope.OWN
        and is_own(
            viewer,
            customer_id=customer_id,
            merchant_id=merchant_id,
            courier_id=courier_id,
            order_id=order_id,
        )
    )


def require_for_order(
    viewer: Viewer,
    permission: Permission,
    *,
    customer_id: UUID,
    merchant_id: UUID,
    courier_id: UUID | None = None,
    order_id: UUID | None = None,
) -> None:
    """NotAllowed without the permission; OrderNotFound for a foreign one: even that it exists is not theirs to know."""
    require(viewer, permission)
    if not may_for_order(
        viewer,
        permission,
        customer_id=customer_id,
        merchant_id=merchant_id,
        courier_id=courier_id,
        order_id=order_id,
    ):
        raise OrderNotFound


def table() -> str:
    """The page docs/permissions.md."""
    lines = [
        "# Who may do what",
        "",
        "Printed by `python -m server.accounts.permissions` from the table in `server/accounts/permissions.py`; a test",
        "compares the two.  *own*: only for orders (positions, …) that are the person's own; *all*: for everybody's;",
        "empty: not at all.  What an order's status allows beside this stands in [lifecycle](lifecycle.md).",
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
