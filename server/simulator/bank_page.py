"""The page on which a customer of the sandbox pays.  Pure."""

import html
from collections.abc import Mapping

from server.simulator.bank_books import BankPayment, Card, State

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
}
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Sandbox bank",
        "warning": "Nobody's money is here: this bank is a toy.",
        "card": "Card: a number, or a word",
        "pay": "Pay",
        "decline": "Decline",
        "nothing": "To do nothing, close this page: the checkout lapses.",
        "open": "To be paid",
        "processing": "Being processed",
        "paid": "Paid. You can close this page.",
        "failed": "Declined",
        "cancelled": "Cancelled",
    },
    "zh": {
        "title": "沙盒银行",
        "warning": "这里没有真钱：这只是一个演示银行。",
        "card": "银行卡：卡号或关键词",
        "pay": "付款",
        "decline": "拒付",
        "nothing": "什么都不做：关闭此页，结账将超时。",
        "open": "待付款",
        "processing": "处理中",
        "paid": "已付款，可以关闭此页。",
        "failed": "已拒付",
        "cancelled": "已取消",
    },
}
_STYLE = (
    "body{font:16px system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem}"
    "button,input{font:inherit;padding:.6rem 1rem;margin:.3rem .3rem .3rem 0;min-height:44px}"
    "strong{font-size:1.6rem}"
)


def page(payment: BankPayment, accept_language: str) -> bytes:
    """The page of this payment as it is now."""
    language = "zh" if accept_language.lower().startswith("zh") else "en"
    words = WORDS[language]
    amount = f"{payment.amount_minor / 100:.2f} {payment.currency}"
    options = "".join(f"<option value={card.value}>" for card in Card)
    form = (
        f"<form method=post><label>{words['card']}<br><input name=card list=cards value=ok></label>"
        f"<datalist id=cards>{options}</datalist><br>"
        f"<button name=outcome value=pay>{words['pay']}</button>"
        f"<button name=outcome value=decline>{words['decline']}</button></form><p>{words['nothing']}</p>"
    )
    return (
        f'<!doctype html><html lang={language}><meta charset=utf-8><meta name=viewport content="width=device-width">'
        f"<title>{words['title']}</title><style>{_STYLE}</style><h1>{words['title']}</h1><p>{words['warning']}</p>"
        f"<p><strong>{html.escape(amount)}</strong></p><p role=status>{words[payment.status.value]}</p>"
        f"{form if payment.status is State.OPEN else ''}</html>"
    ).encode()
