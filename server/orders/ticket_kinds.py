"""The kinds of tickets as one table: whose they are, who may raise them, clocks, decisions, questions.  Pure.

`python -m server.orders.ticket_page` prints docs/tickets.md from it.  A new kind is a new row (and its reasons in
ticket_reasons.py); nothing else asks which kind a ticket is, except how it may end by itself (ticket_endings.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from server.accounts.roles import Role
from server.orders import ticket_reasons as reasons
from server.orders.ticket_reasons import ANY, Words

SYSTEM = "system"  # who raised it when nobody did: the clock, or another part of the program


class Kind(StrEnum):
    """What sort of trouble it is."""

    DELAY = "delay"
    REFUSAL = "refusal"
    WRONG_ADDRESS = "wrong_address"
    UNREACHABLE = "unreachable"
    MISCONDUCT = "misconduct"
    MERCHANT_LATE = "merchant_late"
    ITEM_MISSING = "item_missing"
    ITEM_DAMAGED = "item_damaged"
    NOT_RECEIVED = "not_received"
    ACCIDENT = "accident"
    PAYMENT_TROUBLE = "payment_trouble"


class Severity(StrEnum):
    """How bad it is, the least first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Decision(StrEnum):
    """What can be decided about one; each is a command of its own."""

    RE_PROMISE = "re_promise"
    REASSIGN = "reassign"
    RE_ROUTE = "re_route"
    CORRECT_ADDRESS = "correct_address"
    REDELIVER = "redeliver"
    REMAKE = "remake"
    RETURN = "return"
    REFUND = "refund"
    SETTLE = "settle"
    UPHOLD = "uphold"
    CANCEL = "cancel"
    TAKE_OFFLINE = "take_offline"
    WARN = "warn"
    SUSPEND = "suspend"
    RETRY_REFUND = "retry_refund"
    RECORD_PAYOUT = "record_payout"


DECISION_WORDS: Mapping[Decision, Words] = {
    Decision.RE_PROMISE: Words("promise a new time, and tell the customer why", "重新承诺送达时间并告知原因"),
    Decision.REASSIGN: Words("take it from the courier and look for another", "撤回并改派配送员"),
    Decision.RE_ROUTE: Words("tell the courier another way", "调整路线"),
    Decision.CORRECT_ADDRESS: Words("correct the address", "更正地址"),
    Decision.REDELIVER: Words("bring it once more", "重新配送"),
    Decision.REMAKE: Words("have it made again", "重新制作"),
    Decision.RETURN: Words("have it brought back to the merchant", "退回商户"),
    Decision.REFUND: Words("give money back", "退款"),
    Decision.SETTLE: Words("end it without delivery", "结案"),
    Decision.UPHOLD: Words("the delivery was right", "维持送达"),
    Decision.CANCEL: Words("cancel the order", "取消订单"),
    Decision.TAKE_OFFLINE: Words("offer the courier no work for now", "配送员下线"),
    Decision.WARN: Words("warn the courier", "警告配送员"),
    Decision.SUSPEND: Words("suspend the courier", "停用配送员"),
    Decision.RETRY_REFUND: Words("try the refund again", "重试退款"),
    Decision.RECORD_PAYOUT: Words("record a pay-out by hand", "登记人工打款"),
}

# Whose order it is, and may hear of a ticket about it.
ORDER_PEOPLE = frozenset({Role.CUSTOMER, Role.MERCHANT, Role.COURIER})
STAFF = frozenset({Role.DISPATCHER, Role.CUSTOMER_SERVICE, Role.OPERATIONS_MANAGER})


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRule:
    """All that is particular to a kind.  `ladder` begins with its owner; the clock climbs it."""

    words: Words
    ladder: tuple[Role, ...]
    severity: Severity
    raised_by: frozenset[Role]
    by_system: bool
    reasons: Mapping[str, Words]
    acknowledge_within_s: int
    resolve_within_s: int
    decisions: tuple[Decision, ...]
    questions: tuple[Words, ...]
    seen_by: frozenset[Role] = ORDER_PEOPLE
    about_courier: bool = False  # one open ticket a courier; else one an order

    @property
    def owner(self) -> Role:
        """Whose matter it is first."""
        return self.ladder[0]


MINUTE, HOUR = 60, 3600
_UP = (Role.CUSTOMER_SERVICE, Role.OPERATIONS_MANAGER)

KINDS: Mapping[Kind, KindRule] = {
    Kind.DELAY: KindRule(
        words=Words("delay", "订单延误"),
        ladder=(Role.DISPATCHER, *_UP),
        severity=Severity.MEDIUM,
        raised_by=ORDER_PEOPLE | STAFF,
        by_system=True,
        reasons=reasons.DELAY | ANY,
        acknowledge_within_s=2 * MINUTE,
        resolve_within_s=30 * MINUTE,
        decisions=(
            Decision.RE_PROMISE, Decision.RE_ROUTE, Decision.REASSIGN, Decision.CANCEL, Decision.REFUND,
        ),
        questions=(
            Words("Which part of the way took too long, and is it over?", "哪个环节耗时过长？是否已结束？"),
            Words("When can it be there now?", "现在预计何时送达？"),
            Words("Has the customer been told why?", "是否已告知客户原因？"),
        ),
    ),
    Kind.REFUSAL: KindRule(
        words=Words("customer refuses", "客户拒收"),
        ladder=_UP,
        severity=Severity.HIGH,
        raised_by=frozenset({Role.COURIER}) | STAFF,
        by_system=True,
        reasons=reasons.REFUSAL | ANY,
        acknowledge_within_s=3 * MINUTE,
        resolve_within_s=30 * MINUTE,
        decisions=(
            Decision.REDELIVER, Decision.REMAKE, Decision.RETURN, Decision.REFUND, Decision.SETTLE,
        ),
        questions=(
            Words(
                "Why does the customer refuse? Ask the customer and the courier.",
                "客户为何拒收？分别询问客户与配送员。",
            ),
            Words("Is there a photo of the food?", "是否有餐品照片？"),
            Words("What was agreed with the customer, and who bears it?", "与客户达成什么方案？费用由谁承担？"),
        ),
    ),
    Kind.WRONG_ADDRESS: KindRule(
        words=Words("wrong address", "地址错误"),
        ladder=(Role.CUSTOMER_SERVICE, Role.DISPATCHER, Role.OPERATIONS_MANAGER),
        severity=Severity.HIGH,
        raised_by=ORDER_PEOPLE | STAFF,
        by_system=True,
        reasons=reasons.WRONG_ADDRESS | ANY,
        acknowledge_within_s=2 * MINUTE,
        resolve_within_s=20 * MINUTE,
        decisions=(
            Decision.CORRECT_ADDRESS, Decision.REDELIVER, Decision.RETURN, Decision.REFUND, Decision.SETTLE,
        ),
        questions=(
            Words("Was the customer reached, how, and how often was it tried?", "是否联系上客户？方式与次数？"),
            Words("Which address is right, and how far is it?", "正确地址是什么？距离多远？"),
            Words("Can this courier bring it there, or another?", "由原配送员还是另一位配送？"),
        ),
    ),
    Kind.UNREACHABLE: KindRule(
        words=Words("customer cannot be reached", "无法联系"),
        ladder=(Role.CUSTOMER_SERVICE, Role.DISPATCHER, Role.OPERATIONS_MANAGER),
        severity=Severity.HIGH,
        raised_by=frozenset({Role.COURIER}) | STAFF,
        by_system=True,
        reasons=reasons.UNREACHABLE | ANY,
        acknowledge_within_s=2 * MINUTE,
        resolve_within_s=20 * MINUTE,
        decisions=(
            Decision.CORRECT_ADDRESS, Decision.REDELIVER, Decision.RETURN, Decision.REFUND, Decision.SETTLE,
        ),
        questions=(
            Words("Which attempts to reach the customer are logged?", "已记录哪些联系尝试？"),
            Words("Does the courier stand at the right door?", "配送员是否在正确的地点？"),
            Words("How long may the bag wait?", "餐品还能等多久？"),
        ),
    ),
    Kind.MISCONDUCT: KindRule(
        words=Words("courier misconduct", "配送员违规"),
        ladder=(Role.OPERATIONS_MANAGER,),
        severity=Severity.HIGH,
        raised_by=frozenset({Role.CUSTOMER, Role.MERCHANT}) | STAFF,
        by_system=True,
        reasons=reasons.MISCONDUCT | ANY,
        acknowledge_within_s=HOUR,
        resolve_within_s=72 * HOUR,
        decisions=(Decision.WARN, Decision.SUSPEND),
        questions=(
            Words("What are the facts: positions, photos, words of both sides?", "事实是什么：轨迹、照片、双方陈述？"),
            Words("What does the courier say to it?", "配送员如何陈述？"),
            Words("Has it happened before?", "此前是否发生过？"),
        ),
        seen_by=frozenset({Role.COURIER}),
        about_courier=True,
    ),
    Kind.MERCHANT_LATE: KindRule(
        words=Words("merchant late or closed", "商户出餐晚/关店"),
        ladder=(Role.DISPATCHER, *_UP),
        severity=Severity.MEDIUM,
        raised_by=frozenset({Role.COURIER, Role.CUSTOMER, Role.MERCHANT}) | STAFF,
        by_system=True,
        reasons=reasons.MERCHANT_LATE | ANY,
        acknowledge_within_s=3 * MINUTE,
        resolve_within_s=20 * MINUTE,
        decisions=(Decision.RE_PROMISE, Decision.REASSIGN, Decision.CANCEL, Decision.REFUND),
        questions=(
            Words("When will the food be ready, by the kitchen's word?", "商户说何时出餐？"),
            Words("Is the merchant open at all?", "商户是否营业？"),
            Words("Shall the courier wait?", "配送员是否继续等待？"),
        ),
    ),
    Kind.ITEM_MISSING: KindRule(
        words=Words("item missing or wrong", "餐品缺失或错误"),
        ladder=_UP,
        severity=Severity.MEDIUM,
        raised_by=frozenset({Role.CUSTOMER}) | STAFF,
        by_system=True,
        reasons=reasons.ITEM_MISSING | ANY,
        acknowledge_within_s=10 * MINUTE,
        resolve_within_s=4 * HOUR,
        decisions=(Decision.REFUND, Decision.REMAKE, Decision.REDELIVER, Decision.UPHOLD, Decision.SETTLE),
        questions=(
            Words("Which items, and is there a photo?", "缺少哪些餐品？是否有照片？"),
            Words("Was it packed wrongly or lost on the way?", "是商户漏装还是途中丢失？"),
        ),
    ),
    Kind.ITEM_DAMAGED: KindRule(
        words=Words("item damaged", "餐品损坏"),
        ladder=_UP,
        severity=Severity.MEDIUM,
        raised_by=frozenset({Role.CUSTOMER, Role.COURIER}) | STAFF,
        by_system=True,
        reasons=reasons.ITEM_DAMAGED | ANY,
        acknowledge_within_s=10 * MINUTE,
        resolve_within_s=4 * HOUR,
        decisions=(Decision.REFUND, Decision.REMAKE, Decision.REDELIVER, Decision.UPHOLD, Decision.SETTLE),
        questions=(
            Words("What does the photo show?", "照片显示什么？"),
            Words("Was it packed so that it could be carried?", "包装是否适合运输？"),
        ),
    ),
    Kind.NOT_RECEIVED: KindRule(
        words=Words("delivered, but not received", "显示送达但未收到"),
        ladder=_UP,
        severity=Severity.HIGH,
        raised_by=frozenset({Role.CUSTOMER}) | STAFF,
        by_system=True,
        reasons=reasons.NOT_RECEIVED | ANY,
        acknowledge_within_s=5 * MINUTE,
        resolve_within_s=2 * HOUR,
        decisions=(
            Decision.REDELIVER, Decision.REMAKE, Decision.REFUND, Decision.UPHOLD, Decision.SETTLE,
        ),
        questions=(
            Words("What proof of delivery is there?", "有哪些送达凭证？"),
            Words("Where was the courier when he reported it delivered?", "配送员点击送达时在哪里？"),
        ),
    ),
    Kind.ACCIDENT: KindRule(
        words=Words("courier accident or breakdown", "配送员事故或故障"),
        ladder=(Role.DISPATCHER, Role.OPERATIONS_MANAGER),
        severity=Severity.CRITICAL,
        raised_by=frozenset({Role.COURIER}) | STAFF,
        by_system=True,
        reasons=reasons.ACCIDENT | ANY,
        acknowledge_within_s=1 * MINUTE,
        resolve_within_s=60 * MINUTE,
        decisions=(
            Decision.TAKE_OFFLINE, Decision.REASSIGN, Decision.REMAKE, Decision.RE_PROMISE,
            Decision.REDELIVER, Decision.RETURN, Decision.REFUND, Decision.SETTLE,
        ),
        questions=(
            Words("Is anybody hurt? Call 112 or 120 first.", "是否有人受伤？请先拨打 112 或 120。"),
            Words("Where is the bag, and is the food good?", "餐品在哪里？是否完好？"),
            Words("Who brings it now?", "由谁继续配送？"),
        ),
    ),
    Kind.PAYMENT_TROUBLE: KindRule(
        words=Words("payment trouble", "支付异常"),
        ladder=_UP,
        severity=Severity.HIGH,
        raised_by=frozenset({Role.CUSTOMER, Role.COURIER}) | STAFF,
        by_system=True,
        reasons=reasons.PAYMENT_TROUBLE | ANY,
        acknowledge_within_s=15 * MINUTE,
        resolve_within_s=24 * HOUR,
        decisions=(Decision.RETRY_REFUND, Decision.RECORD_PAYOUT, Decision.REFUND),
        questions=(
            Words("What does the provider say of it?", "支付渠道如何反馈？"),
            Words("How much does who owe whom?", "谁欠谁多少？"),
        ),
    ),
}  # fmt: skip

# A courier who reports that a delivery failed, and a customer who disputes one, name the reason only.
KIND_OF_REASON: Mapping[str, Kind] = {
    code: kind for kind, rule in KINDS.items() for code in rule.reasons if code not in ANY
}


def kind_of(reason: str, *, otherwise: Kind) -> Kind:
    """Which kind of ticket this reason opens."""
    return KIND_OF_REASON.get(reason, otherwise)
