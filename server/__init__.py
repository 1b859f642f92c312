"""Songda 送达: orders and live couriers of a food-delivery platform.  docs/architecture.md is the map."""
