"""Why something went wrong, as codes with words for people: the reasons of tickets, and what customers are told.  Pure.

A reason belongs to a kind of ticket (ticket_kinds.py); a courier who reports that a delivery failed names only the
reason.  To add one is to add a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Words:
    """The same in both languages of the pages."""

    en: str
    zh: str

    def of(self, language: str) -> str:
        """The words in `language`; English for one that we do not speak."""
        return self.zh if language == "zh" else self.en


# fmt: off
DELAY = {
    # The seven segments of an order's time (segments.py) …
    "slow_acceptance": Words("the merchant was slow to accept", "商户接单慢"),
    "food_not_ready": Words("the food was not ready in time", "未按时出餐"),
    "no_courier_found": Words("no courier was found in time", "未及时派到配送员"),
    "courier_late_to_pickup": Words("the courier came late to the merchant", "配送员到店晚"),
    "bag_not_handed_out": Words("the bag was ready, but handed out late", "餐已备好但交接慢"),
    "slow_ride": Words("the ride took longer", "配送途中耗时长"),
    "slow_hand_over": Words("handing over at the door took long", "门口交付耗时长"),
    # … and what people see of the street.
    "traffic": Words("traffic", "交通拥堵"),
    "weather": Words("weather", "恶劣天气"),
    "road_closed": Words("a road is closed", "道路封闭"),
    "late": Words("it is late", "已晚"),
}
REFUSAL = {
    "refused": Words("the customer refuses the delivery", "客户拒收"),
    "refused_changed_mind": Words("refused: no longer wanted", "拒收：不想要了"),
    "refused_late": Words("refused: too late", "拒收：太晚"),
    "refused_damaged": Words("refused: damaged or spilt", "拒收：破损或洒漏"),
    "refused_incorrect": Words("refused: not what was ordered", "拒收：与订单不符"),
    "refused_payment": Words("refused to pay at the door", "拒绝货到付款"),
}
WRONG_ADDRESS = {
    "wrong_address": Words("the address is wrong", "地址错误"),
    "address_incomplete": Words("the address is incomplete", "地址不完整"),
    "address_unreachable": Words("the address cannot be reached", "地址无法到达"),
}
UNREACHABLE = {
    "not_at_home": Words("nobody is at home", "无人在家"),
    "no_answer": Words("nobody answers", "无人应答"),
    "wrong_phone": Words("the phone number is wrong", "电话号码错误"),
}
MISCONDUCT = {
    "rude": Words("rude or threatening", "态度恶劣或威胁"),
    "unsafe_riding": Words("unsafe riding", "危险驾驶"),
    "false_report": Words("reported what was not so", "虚假上报"),
    "positions_faked": Words("positions that cannot be true", "虚假定位"),
    "food_tampered": Words("tampered with the food", "私自动餐"),
    "left_at_wrong_place": Words("left the bag at a wrong place", "餐品放错地点"),
    "abandoned": Words("abandoned the order", "擅自放弃订单"),
}
MERCHANT_LATE = {
    "merchant_late": Words("the food is not ready in time", "商户出餐晚"),
    "closed_store": Words("the merchant is closed", "商户关店"),
    "merchant_too_busy": Words("the kitchen is too busy", "商户过忙"),
    "item_unavailable": Words("an item has run out", "餐品售罄"),
}
ITEM_MISSING = {
    "item_missing": Words("an item is missing", "餐品缺失"),
    "incorrect_item": Words("a wrong item", "餐品错误"),
    "too_few": Words("fewer than ordered", "数量不足"),
}
ITEM_DAMAGED = {
    "damaged": Words("damaged or spilt", "破损或洒漏"),
    "cold": Words("cold, or no longer good", "餐品变凉或变质"),
    "bag_opened": Words("the bag had been opened", "包装被打开"),
}
NOT_RECEIVED = {
    "not_received": Words("the customer did not receive it", "客户未收到"),
    "left_elsewhere": Words("left at another place", "放在了别处"),
}
ACCIDENT = {
    "accident": Words("an accident", "事故"),
    "vehicle_breakdown": Words("the vehicle broke down", "车辆故障"),
    "courier_unwell": Words("the courier cannot go on", "配送员身体不适"),
    "lost": Words("the bag is lost", "餐品丢失"),
    "courier_barred": Words("the courier was suspended on the way", "配送员途中被停用"),
    "phone_failed": Words("the courier's phone failed", "配送员手机故障"),
}
PAYMENT_TROUBLE = {
    "payment_trouble": Words("the payment is not as it should be", "支付异常"),
    "refund_stuck": Words("a refund does not go through", "退款受阻"),
    "cash_to_give_back": Words("cash waits to be given back", "现金待退还"),
    "paid_twice": Words("paid twice", "重复支付"),
    "wrong_amount": Words("a wrong amount was taken", "扣款金额错误"),
}
ANY = {OTHER: Words("something else", "其他")}
# fmt: on

REASONS: Mapping[str, Words] = {
    **DELAY,
    **REFUSAL,
    **WRONG_ADDRESS,
    **UNREACHABLE,
    **MISCONDUCT,
    **MERCHANT_LATE,
    **ITEM_MISSING,
    **ITEM_DAMAGED,
    **NOT_RECEIVED,
    **ACCIDENT,
    **PAYMENT_TROUBLE,
    **ANY,
}

# What a customer is told when a promise is moved or an exception is worked on: one of these, or somebody's own words.
TEMPLATES: Mapping[str, Words] = {
    "kitchen_needs_longer": Words(
        "The kitchen needs longer than it thought.", "商户备餐时间比预计长，请您谅解。"
    ),
    "no_courier_free": Words(
        "All couriers are on the road; one is being looked for.", "当前配送员繁忙，正在为您安排。"
    ),
    "courier_delayed": Words("Your courier is held up.", "配送员途中受阻，请您谅解。"),
    "traffic": Words("Traffic is slow on the way to you.", "路上拥堵，配送时间有所延长。"),
    "weather": Words("The weather slows us down.", "受天气影响，配送时间有所延长。"),
    "new_courier": Words("Another courier brings your order.", "已为您更换配送员。"),
    "accident": Words("Your courier has had a mishap; we see to it.", "配送员途中遇到意外，我们正在处理。"),
    "cannot_find_you": Words(
        "Our courier cannot find your address. Please tell us where you are.",
        "配送员找不到您的地址，请告诉我们您的位置。",
    ),
    "cannot_reach_you": Words(
        "Our courier is there and cannot reach you. Please call back.", "配送员已到达但联系不上您，请回电。"
    ),
    "address_corrected": Words("Your address is corrected.", "您的地址已更正。"),
    "comes_again": Words("Your order comes again.", "您的订单将重新配送。"),
    "made_again": Words("Your order is made again.", "您的订单将重新制作。"),
    "goes_back": Words("Your order goes back to the merchant.", "您的订单已退回商户。"),
    "money_back": Words("You get money back.", "我们将为您退款。"),
    "looked_into": Words("We are looking into it.", "我们正在核实处理。"),
    "delivery_was_right": Words(
        "We have looked into it: the order was delivered.", "经核实，您的订单已正常送达。"
    ),
}
