# For people who type make; `./dev` has the rest and tells about it.
.PHONY: run test check
run test check:
	./dev $@
