"""The search against what is known of the truth, and against other searches at equal budgets."""

import os

# As the command line does, before numpy is loaded: linear algebra on one thread, whose last bits never depend on it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
