"""What operators can see of webhooks, and be woken by: tries, what was given up, how far behind we are."""

from prometheus_client import Counter, Gauge

TRIES = Counter("songda_webhook_tries_total", "Webhooks tried, by how it ended", ["outcome"])
MADE = Counter("songda_webhook_deliveries_total", "Webhooks to be delivered, one an event and endpoint")
GIVEN_UP = Counter("songda_webhook_given_up_total", "Webhooks not delivered in the end, by why", ["why"])
SWITCHED_OFF = Counter("songda_webhook_endpoints_off_total", "Endpoints switched off by us, by why", ["why"])
OLDEST_WAITING_S = Gauge(
    "songda_webhook_oldest_waiting_seconds",
    "Age of the oldest webhook that is neither delivered nor given up",
    multiprocess_mode="mostrecent",
)
OVERDUE_S = Gauge(
    "songda_webhook_overdue_seconds",
    "How long the most overdue try has been due; more than a minute: we do not keep up",
    multiprocess_mode="mostrecent",
)
