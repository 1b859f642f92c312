"""What happened to an order, its courier and its ticket, as sentences in English and Chinese.  Pure.

A sentence may name {who} did it and what the event's fields say, as words for people.  What is not in the table is
told by its plain name: a new event never breaks a story.
"""

from collections.abc import Mapping
from string import Formatter
from typing import Any

from server.accounts.roles import Role
from server.orders.ticket_kinds import DECISION_WORDS, KINDS
from server.orders.ticket_reasons import REASONS, TEMPLATES, Words

ROLES: Mapping[str, Words] = {
    Role.CUSTOMER: Words("the customer", "客户"),
    Role.MERCHANT: Words("the merchant", "商户"),
    Role.COURIER: Words("the courier", "配送员"),
    Role.DISPATCHER: Words("dispatch", "调度员"),
    Role.CUSTOMER_SERVICE: Words("customer service", "客服"),
    Role.OPERATIONS_MANAGER: Words("operations", "运营管理"),
    Role.DATA_ANALYST: Words("the data analyst", "数据分析"),
    Role.TECHNICAL_SUPPORT: Words("technical support", "技术支持"),
    Role.ADMINISTRATOR: Words("the administrator", "管理员"),
    "system": Words("the system", "系统"),
    "clock": Words("the clock", "系统时钟"),
    "staff": Words("the staff", "内部人员"),
}
STATES = {
    "open": Words("open", "待处理"),
    "acknowledged": Words("in hand", "处理中"),
    "waiting": Words("waiting", "等待回复"),
    "snoozed": Words("put off", "已搁置"),
    "resolved": Words("resolved", "已解决"),
    "dismissed": Words("dismissed", "已驳回"),
}
OUTCOMES = {
    "recovered": Words("it came in time after all", "最终按时送达"),
    "delivered_late": Words("delivered late", "延迟送达"),
    "delivered": Words("delivered", "已送达"),
    "ready": Words("the food is ready", "已出餐"),
    "returned": Words("returned", "已退回"),
    "settled": Words("ended without delivery", "已结案"),
    "cancelled": Words("the order was called off", "订单已取消"),
    "upheld": Words("the delivery was right", "维持送达"),
    "refunded": Words("refunded", "已退款"),
    "paid_out": Words("paid out by hand", "已人工打款"),
    "warned": Words("warned", "已警告"),
    "suspended": Words("suspended", "已停用"),
    "solved": Words("solved", "已解决"),
    "unfounded": Words("there was nothing in it", "不成立"),
}
SEVERITIES = {
    "low": Words("low", "低"),
    "medium": Words("medium", "中"),
    "high": Words("high", "高"),
    "critical": Words("critical", "紧急"),
}
BEARERS = {
    "merchant": Words("the merchant bears it", "商户承担"),
    "platform": Words("the platform bears it", "平台承担"),
    "courier": Words("the courier bears it", "配送员承担"),
}
HOW = {
    "phone": Words("by phone", "电话"),
    "message": Words("by message", "消息"),
    "door": Words("at the door", "上门"),
    "other": Words("in another way", "其他方式"),
}
RESULTS = {
    "reached": Words("reached", "已联系上"),
    "no_answer": Words("no answer", "无人应答"),
    "busy": Words("busy", "占线"),
    "wrong_number": Words("a wrong number", "号码错误"),
    "left_word": Words("left word", "已留言"),
}
EVIDENCE = {
    "photo": Words("a photo", "照片"),
    "position": Words("where the courier was", "配送员位置"),
}
# Which table a field's value is put into words by.
FIELDS: Mapping[str, Mapping[Any, Words]] = {
    "kind": {kind: rule.words for kind, rule in KINDS.items()},
    "reason": REASONS,
    "template": TEMPLATES,
    "decision": DECISION_WORDS,
    "owner_role": ROLES,
    "seen_by": ROLES,
    "said_to": ROLES,
    "waiting_for": ROLES,
    "whom": ROLES,
    "by": ROLES,
    "state": STATES,
    "outcome": OUTCOMES,
    "severity": SEVERITIES,
    "borne_by": BEARERS,
    "how": HOW,
    "result": RESULTS,
    "evidence": EVIDENCE,
}

# fmt: off
SENTENCES: Mapping[tuple[str, str], Words] = {
    ("order", "placed"): Words("{who} placed the order", "{who}下单"),
    ("order", "released"): Words("the scheduled order went to the merchant", "预约订单已推送给商户"),
    ("order", "accepted"): Words(
        "{who} accepted the order, promised for {promised_at}",
        "{who}接单，承诺送达 {promised_at}"),
    ("order", "rejected"): Words("{who} rejected the order", "{who}拒单"),
    ("order", "expired"): Words("the merchant was silent, and the order expired", "商户未应答，订单过期"),
    ("order", "cancelled"): Words("{who} cancelled the order", "{who}取消订单"),
    ("order", "undone"): Words("{who} took that back", "{who}撤销操作"),
    ("order", "undone_early"): Words("{who} took that back", "{who}撤销操作"),
    ("order", "picked_up"): Words("{who} picked up the bag", "{who}已取餐"),
    ("order", "delivered"): Words("{who} delivered", "{who}已送达"),
    ("order", "failed"): Words("{who} could not deliver: {reason}", "{who}无法送达：{reason}"),
    ("order", "redelivering"): Words("{who} had it brought once more", "{who}安排重新配送"),
    ("order", "remade"): Words("{who} had it made again", "{who}安排重新制作"),
    ("order", "returned"): Words("the bag is back with the merchant", "餐品已退回商户"),
    ("order", "settled"): Words("{who} ended the order without delivery", "{who}将订单结案"),
    ("order", "upheld"): Words("{who} found that the delivery was right", "{who}认定送达无误"),
    ("order", "completed"): Words("receipt confirmed by {who}", "{who}确认收货"),
    ("order", "disputed"): Words(
        "{who} disputed the delivery: {reason}",
        "{who}对送达提出异议：{reason}"),
    ("order", "ready"): Words("{who} said that the food is ready", "{who}已出餐"),
    ("order", "not_ready"): Words("{who} said that the food is not ready after all", "{who}撤回出餐"),
    ("order", "postponed"): Words(
        "{who} needs longer: promised for {promised_at} now",
        "{who}延长备餐，承诺送达改为 {promised_at}"),
    ("order", "re_promised"): Words("{who} promised {promised_at}", "{who}重新承诺送达 {promised_at}"),
    ("order", "address_corrected"): Words("{who} corrected the address", "{who}更正了地址"),
    ("order", "proof_waived"): Words("{who} let the courier go on without a proof", "{who}免除凭证"),
    ("order", "codes_locked"): Words("too many wrong codes were said", "验证码错误次数过多"),
    ("order", "payment_changed"): Words("the state of its payment changed", "支付状态变更"),
    ("order", "ready_late"): Words("the food was not ready in time", "超时未出餐"),
    ("order", "pickup_late"): Words("the food was ready, and nobody fetched it", "已出餐但超时未取"),
    ("order", "promise_broken"): Words("the promised time passed", "已超过承诺送达时间"),
    ("order", "receipt_reminded"): Words(
        "the customer was reminded to confirm receipt",
        "已提醒客户确认收货"),
    ("order", "review_requested"): Words("the customer was asked for a review", "已邀请客户评价"),
    ("assignment", "assigned"): Words("{courier_name} was given the order", "派单给 {courier_name}"),
    ("assignment", "accepted"): Words("{courier_name} took it", "{courier_name} 接受派单"),
    ("assignment", "pickup_confirmed"): Words(
        "{courier_name} confirmed the pickup details",
        "{courier_name} 确认取餐信息"),
    ("assignment", "en_route_to_pickup"): Words(
        "{courier_name} set off to the merchant",
        "{courier_name} 前往取餐"),
    ("assignment", "arrived_at_pickup"): Words(
        "{courier_name} arrived at the merchant",
        "{courier_name} 到店"),
    ("assignment", "picked_up"): Words("{courier_name} has the bag", "{courier_name} 已取餐"),
    ("assignment", "en_route_to_dropoff"): Words(
        "{courier_name} set off to the customer",
        "{courier_name} 前往送达点"),
    ("assignment", "arrived_at_dropoff"): Words(
        "{courier_name} arrived at the door",
        "{courier_name} 到达送达点"),
    ("assignment", "delivered"): Words("{courier_name} handed it over", "{courier_name} 已交付"),
    ("assignment", "en_route_to_return"): Words(
        "{courier_name} brings it back",
        "{courier_name} 返回商户"),
    ("assignment", "arrived_at_return"): Words(
        "{courier_name} is back at the merchant",
        "{courier_name} 回到商户"),
    ("assignment", "returned"): Words("{courier_name} gave it back", "{courier_name} 已退还餐品"),
    ("assignment", "declined"): Words("{courier_name} declined", "{courier_name} 拒绝派单"),
    ("assignment", "lapsed"): Words("{courier_name} did not answer", "{courier_name} 未应答"),
    ("assignment", "withdrawn"): Words(
        "it was taken from {courier_name}",
        "已从 {courier_name} 撤回"),
    ("ticket", "opened"): Words(
        "{who} reported: {kind}, {reason}; it went to {owner_role}",
        "{who}上报：{kind}，{reason}；交由{owner_role}处理"),
    ("ticket", "reported"): Words("{who} reported it once more", "{who}再次上报"),
    ("ticket", "acknowledged"): Words("{who} sees to it", "{who}开始处理"),
    ("ticket", "waiting"): Words("{who} waits for {waiting_for}", "{who}等待{waiting_for}回复"),
    ("ticket", "resumed"): Words("it goes on", "继续处理"),
    ("ticket", "snoozed"): Words(
        "{who} put it off until {paused_until}",
        "{who}搁置至 {paused_until}"),
    ("ticket", "woken"): Words("the time it was put off for is over", "搁置到期"),
    ("ticket", "escalated"): Words(
        "nobody had seen to it: it went to {owner_role}",
        "无人处理，升级至{owner_role}"),
    ("ticket", "overdue"): Words("it was not resolved in time", "超时未解决"),
    ("ticket", "severity_raised"): Words(
        "{who} set its severity: {severity}",
        "{who}设定严重程度：{severity}"),
    ("ticket", "handed_to"): Words("{who} gave it to {assignee}", "{who}转交给 {assignee}"),
    ("ticket", "noted"): Words("{who} wrote to {seen_by}", "{who}致{seen_by}"),
    ("ticket", "answered"): Words("{who} said", "{who}回复"),
    ("ticket", "contact_tried"): Words(
        "{who} tried to reach {whom} {how}: {result}",
        "{who}联系{whom}（{how}）：{result}"),
    ("ticket", "evidence_added"): Words(
        "{who} added evidence: {evidence}",
        "{who}提供证据：{evidence}"),
    ("ticket", "decided"): Words("{who} decided: {decision}", "{who}决定：{decision}"),
    ("ticket", "resolved"): Words("resolved by {who}: {outcome}", "{who}结束工单：{outcome}"),
    ("ticket", "dismissed"): Words("{who} dismissed it", "{who}驳回"),
    ("ticket", "reopened"): Words("{who} opened it again", "{who}重新打开"),
    ("ticket_notice", "opened"): Words("trouble was noticed: {kind}", "已发现问题：{kind}"),
    ("ticket_notice", "acknowledged"): Words("somebody sees to it", "工作人员正在处理"),
    ("ticket_notice", "noted"): Words("word to {said_to}", "致{said_to}的消息"),
    ("ticket_notice", "decided"): Words("it was decided: {decision}", "处理决定：{decision}"),
    ("ticket_notice", "resolved"): Words("it is over: {outcome}", "已处理：{outcome}"),
    ("ticket_notice", "dismissed"): Words("nothing was found in it", "经核实不成立"),
    ("ticket_notice", "reopened"): Words("it was opened again", "已重新处理"),
    ("audit", "looked_at_ticket"): Words("{who} read the ticket", "{who}查看工单"),
    ("audit", "looked_at_contact"): Words("{who} looked up where the order goes", "{who}查看收件信息"),
}
# fmt: on
_PLAIN = {
    "order": Words("the order: {name}", "订单：{name}"),
    "assignment": Words("the assignment: {name}", "派单：{name}"),
    "ticket": Words("the ticket: {name}", "工单：{name}"),
    "ticket_notice": Words("the ticket: {name}", "工单：{name}"),
}
NOTHING = Words("…", "…")


def sentence(
    entity: str, name: str, fields: Mapping[str, Any], *, language: str, who: str, assignee: str = ""
) -> str:
    """What happened, for people.  Moments are told in UTC, to the minute."""
    words = SENTENCES.get((entity, name)) or _PLAIN.get(entity, Words("{name}", "{name}"))
    said = words.of(language)
    own = {"who": who, "assignee": assignee, "name": name}
    wanted = [place for _, place, _, _ in Formatter().parse(said) if place]
    return said.format_map(
        {place: own.get(place) or _in_words(place, fields.get(place), language) for place in wanted}
    )


def role_words(role: str, language: str) -> str:
    """A role, as people call it."""
    return ROLES.get(role, Words(role, role)).of(language)


def _in_words(place: str, value: Any, language: str) -> str:
    if value is None:
        return NOTHING.of(language)
    words = FIELDS.get(place, {}).get(value)
    if words is not None:
        return words.of(language)
    text = str(value)
    return text[11:16] + " UTC" if place.endswith(("_at", "_until")) and len(text) > 16 else text
