"""Load generators: one scenario a file, run as `./dev bench NAME`.

Open loop: latency counts from the scheduled moment, so that a stalled generator hides nothing.
"""
