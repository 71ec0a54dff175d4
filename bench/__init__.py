"""How fast it is: one harness with named stages (`./suda bench`), each bounded, on parts of its own.

A stage is one line in `bench.harness.STAGES` and a function `run(size, say) -> figures`.
"""
