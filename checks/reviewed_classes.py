"""The parts of well-known libraries that a person has read: packages, hooks of their classes, functions.

`checks/known_classes.py` writes the list of known classes by it.
"""

from abc import ABCMeta
from collections.abc import Mapping

# The packages that are walked, and modules that are not: `pandas.` is that module alone.
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "numpy": ("numpy.polynomial",),
    "scikit-learn": ("sklearn",),
    "pandas": (
        "pandas.", "pandas.arrays.", "pandas.core", "pandas._libs.sparse", "pandas._libs.tslibs",
        "pandas._libs.interval",
        "pandas._libs.arrays", "pandas._libs.internals", "pandas._libs.missing", "pandas.tseries.offsets",
    ),
    "scipy": ("scipy.sparse", "scipy.interpolate", "scipy.spatial", "scipy.optimize", "scipy.stats"),
    "statsmodels": ("statsmodels",),
    "xgboost": ("xgboost.core", "xgboost.sklearn", "xgboost.callback"),
    "lightgbm": ("lightgbm.basic", "lightgbm.sklearn", "lightgbm.callback"),
    "catboost": ("catboost.core",),
    "torch": (
        "torch.nn", "torch.optim", "torch.distributions", "torch.utils.data.dataset",
        "torch.distributed.checkpoint.metadata", "torch.distributed.checkpoint.filesystem",
    ),
    "transformers": (
        "transformers.training_args", "transformers.training_args_seq2seq", "transformers.trainer_utils",
        "transformers.trainer_pt_utils", "transformers.debug_utils", "transformers.utils.generic",
    ),
    "accelerate": ("accelerate.utils.dataclasses", "accelerate.state"),
    "flax": ("flax.core", "flax.training", "flax.struct"),
    "optax": ("optax._src", "optax.contrib", "optax.transforms"),
    "gymnasium": ("gymnasium.spaces",),
    "stable-baselines3": (
        "stable_baselines3.common.buffers", "stable_baselines3.common.policies", "stable_baselines3.common.utils",
        "stable_baselines3.common.type_aliases", "stable_baselines3.common.noise",
        "stable_baselines3.common.torch_layers", "stable_baselines3.common.distributions",
        "stable_baselines3.dqn.policies", "stable_baselines3.sac.policies", "stable_baselines3.td3.policies",
    ),
}  # fmt: skip
SKIPPED = (
    "*.tests", "*.test_*", "*_test", "*.testing", "*._testing*", "*conftest*", "*.setup", "*.externals",
    "*.__main__", "*.datasets", "sklearn.utils.estimator_checks", "sklearn.utils._mocking",
    "sklearn.callback",
    "pandas.core.computation", "statsmodels.examples", "statsmodels.iolib", "statsmodels.graphics",
    "statsmodels.tools.print_version", "statsmodels.formula", "statsmodels.compat", "statsmodels.sandbox",
    "statsmodels.stats.libqsturng.make_tbls", "scipy.stats._distn_infrastructure",
    "scipy.stats._continuous_distns",
    "scipy.stats._discrete_distns", "torch.nn.parallel", "torch.nn.cpp", "torch.nn.attention",
    "torch.nn.backends",
)  # fmt: skip

# What the unpickler calls of an instance by itself: when it makes it, gives it its state, uses it as the key of a dict,
# looks up an attribute, lets it go.
HOOKS = ("__new__", "__setstate__", "__getattr__", "__getattribute__", "__del__", "__hash__", "__eq__")
STANDARD = (
    "builtins",
    "typing",
    "abc",
    "collections",
    "collections.abc",
    "_collections_abc",
    "datetime",
    "enum",
    "numbers",
)
METACLASSES = (type, ABCMeta)

# Read by a person: they set attributes, compare, hash, check types and versions. None calls what it is given, opens a
# path, or imports or evaluates a text. Read and refused are, among others: `scipy.stats`' distributions (they execute a
# text of their state), statsmodels' formulas (they are evaluated), xgboost's DMatrix and lightgbm's Dataset (they free
# the address that the state names), transformers' configurations (they call what the state names).
REVIEWED = (
    "sklearn.base.BaseEstimator.__setstate__", "sklearn.gaussian_process.kernels.*", "sklearn.isotonic.*",
    "sklearn.linear_model._passive_aggressive.*.__new__", "sklearn.ensemble.*TreePredictor.__setstate__",
    "sklearn.frozen._frozen.FrozenEstimator.__getattr__", "sklearn.utils._bunch.Bunch.*",
    "sklearn._loss._loss.*",
    "sklearn.metrics._dist_metrics.*.__setstate__", "sklearn.neighbors._ball_tree.*.__setstate__",
    "sklearn.neighbors._kd_tree.*.__setstate__", "sklearn.neighbors._quad_tree.*.__setstate__",
    "sklearn.tree._tree.Tree.__setstate__", "sklearn.tree._criterion.*.__setstate__",
    "sklearn.tree._splitter.*.__setstate__", "sklearn.linear_model._sgd_fast.*",
    "sklearn.ensemble._gb_losses.*", "sklearn.ensemble._gradient_boosting.*",
    "pandas.core.generic.NDFrame.*", "pandas.DataFrame.__*", "pandas.Series.__*",
    "pandas.core.frame.DataFrame.__*",
    "pandas.core.series.Series.__*", "pandas.core.arraylike.OpsMixin.__eq__", "pandas._libs.*.__setstate__",
    "pandas._libs.*.__eq__", "pandas._libs.*.__hash__", "pandas.*Dtype.__*", "pandas.*Array.__eq__",
    "pandas.*Array.__setstate__", "pandas.*Categorical.__eq__", "pandas.*Categorical.__setstate__",
    "pandas.core.internals.managers.*.__setstate__", "pandas.*Index.__new__", "pandas.*Interval.__*",
    "scipy.sparse.*", "scipy.interpolate.*", "scipy.spatial._ckdtree.*", "scipy.spatial.transform.*",
    "scipy._lib._util._RichResult.*", "scipy.optimize.*.__getattr__", "statsmodels.tsa.statespace._*",
    "statsmodels.base.data.ModelData.__setstate__",
    "statsmodels.base.wrapper.ResultsWrapper.*", "statsmodels.tsa.*.__getattr__",
    "statsmodels.tsa.deterministic.*",
    "statsmodels.tsa.holtwinters._exponential_smoothers.*",
    "numpy.polynomial._polybase.ABCPolyBase.*",
    "xgboost.core.Booster.*", "lightgbm.basic.Booster.*", "catboost.core._CatBoostBase.*",
    "torch.nn.modules.*.__setstate__", "torch.nn.modules.module.Module.__getattr__",
    "torch.optim.*.__setstate__",
    "torch.distributions.*.__eq__", "flax.core.frozen_dict.FrozenDict.__hash__",
    "accelerate.state.*.__getattr__",
    "gymnasium.spaces.*", "torch.distributed.checkpoint.metadata.TensorProperties.*",
)  # fmt: skip

# They open files or run whatever is there, which nothing in their hooks tells: a call of the instance or of one of its
# methods is enough.
REFUSED = (
    "pandas.Excel*", "pandas.HDFStore", "*.PytestTester", "*._TempFile", "*.Parallel", "*._ParallelP",
    "torch.distributed.checkpoint.filesystem.*FileSystem*",
    "torch.distributed.checkpoint.filesystem.*Loader",
)  # fmt: skip

# Functions and classes that pickles call with arguments. Read by a person, as above.
CALLED: Mapping[str, tuple[str, ...]] = {
    "sklearn.tree._tree": ("Tree",),
    "sklearn.metrics._dist_metrics": ("newObj",),
    "sklearn.neighbors._dist_metrics": ("newObj",),
    "sklearn.neighbors._kd_tree": ("newObj",),
    "sklearn.neighbors._ball_tree": ("newObj",),
    "sklearn.metrics._classification": ("accuracy_score", "f1_score", "log_loss", "precision_score",
    "recall_score"),
    "sklearn.metrics._ranking": ("average_precision_score", "roc_auc_score"),
    "sklearn.metrics._regression": (
        "mean_absolute_error", "mean_squared_error", "mean_squared_log_error", "median_absolute_error",
        "r2_score",
        "root_mean_squared_error", "max_error", "mean_absolute_percentage_error",
    ),
    "sklearn.feature_selection._univariate_selection": ("chi2", "f_classif", "f_regression", "r_regression"),
    "sklearn.feature_selection._mutual_info": ("mutual_info_classif", "mutual_info_regression"),
    "pandas": (
        "NA", "NaT", "Index", "RangeIndex", "DatetimeIndex", "TimedeltaIndex", "PeriodIndex", "MultiIndex",
        "CategoricalIndex", "IntervalIndex", "BooleanDtype", "CategoricalDtype", "DatetimeTZDtype",
        "IntervalDtype",
        "PeriodDtype", "SparseDtype", "StringDtype", "Int8Dtype", "Int16Dtype", "Int32Dtype", "Int64Dtype",
        "UInt8Dtype",
        "UInt16Dtype", "UInt32Dtype", "UInt64Dtype", "Float32Dtype", "Float64Dtype", "Interval", "Timestamp",
        "Timedelta",
    ),
    "pandas.core.indexes.base": ("Index", "_new_Index"),
    "pandas.core.indexes.range": ("RangeIndex",),
    "pandas.core.indexes.multi": ("MultiIndex",),
    "pandas.core.indexes.category": ("CategoricalIndex",),
    "pandas.core.indexes.numeric": ("Int64Index", "UInt64Index", "Float64Index"),
    "pandas.core.indexes.datetimes": ("DatetimeIndex", "_new_DatetimeIndex"),
    "pandas.core.indexes.timedeltas": ("TimedeltaIndex",),
    "pandas.core.indexes.period": ("PeriodIndex", "_new_PeriodIndex"),
    "pandas.core.indexes.interval": ("IntervalIndex", "_new_IntervalIndex"),
    "pandas.core.indexes.frozen": ("FrozenList",),
    "pandas.core.dtypes.dtypes": (
        "CategoricalDtype", "DatetimeTZDtype", "IntervalDtype", "PeriodDtype", "SparseDtype",
    ),
    "pandas.core.arrays.boolean": ("BooleanDtype",),
    "pandas.core.arrays.string_": ("StringDtype",),
    "pandas.core.arrays.integer": (
        "Int8Dtype", "Int16Dtype", "Int32Dtype", "Int64Dtype", "UInt8Dtype", "UInt16Dtype", "UInt32Dtype",
        "UInt64Dtype",
    ),
    "pandas.core.arrays.floating": ("Float32Dtype", "Float64Dtype"),
    "pandas.core.internals.managers": ("BlockManager", "SingleBlockManager"),
    "pandas._libs.internals": ("_unpickle_block",),
    "pandas._libs.interval": ("Interval",),
    "pandas._libs.missing": ("NA", "NAType"),
    "pandas._libs.sparse": ("BlockIndex", "IntIndex"),
    "pandas._libs.arrays": ("__pyx_unpickle_NDArrayBacked",),
    "pandas._libs.tslibs.nattype": ("_nat_unpickle", "__nat_unpickle",),
    "pandas._libs.tslibs.timedeltas": ("_timedelta_unpickle",),
    "pandas._libs.tslibs.timestamps": ("_unpickle_timestamp",),
    "pandas._libs.tslibs.period": ("Period",),
    "pandas._libs.tslibs.offsets": (
        "Day", "Hour", "Minute", "Second", "Milli", "Micro", "Nano", "BusinessDay", "MonthEnd", "MonthBegin",
        "BusinessMonthEnd", "BusinessMonthBegin", "QuarterEnd", "QuarterBegin", "YearEnd", "YearBegin",
        "Week",
        "SemiMonthEnd", "SemiMonthBegin", "DateOffset",
    ),
    "pyarrow.lib": (
        "_restore_array", "py_buffer", "type_for_alias", "chunked_array", "list_", "large_list", "struct",
        "timestamp",
        "duration", "time32", "time64", "dictionary", "decimal128", "binary", "field", "schema",
    ),
    "pytz": ("_UTC", "_p"),
    "scipy.sparse._dok": ("dok_array", "dok_matrix"),
    "scipy._lib.array_api_compat.numpy._aliases": ("asarray",),
    "torch.nn.functional": (
        "relu", "relu6", "gelu", "silu", "mish", "elu", "selu", "celu", "leaky_relu", "tanh", "sigmoid",
        "softmax",
        "log_softmax", "softplus", "hardtanh", "hardswish", "hardsigmoid", "logsigmoid",
    ),
    "torch": ("relu", "tanh", "sigmoid", "selu", "softmax", "log_softmax"),
    "jax._src.array": ("_reconstruct_array",),
}  # fmt: skip
# Modules of extension types whose constructors take numbers and arrays only.
CALLED_WHOLE = (
    "sklearn._loss._loss", "sklearn.linear_model._sgd_fast", "statsmodels.tsa.statespace._initialization",
    "statsmodels.tsa.statespace._kalman_filter", "statsmodels.tsa.statespace._kalman_smoother",
    "statsmodels.tsa.statespace._representation", "statsmodels.tsa.statespace._simulation_smoother",
)  # fmt: skip
UFUNCS = ("numpy", "numpy._core._multiarray_umath", "numpy.core._multiarray_umath")
FILLERS = ("__setitem__", "append", "extend", "add", "update")
PARTS = ("made", "stateful", "filled", "called")
