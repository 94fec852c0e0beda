"""Makes honest files: what people save with the libraries of machine learning, written by these libraries themselves.

It runs in an environment of its own, which has the libraries (`make bench-checkpoints`), and writes the files and
`manifest.json` into a folder: for each file its path, the library and the kind of file. A library that is not
installed is named, and its files are missing. Usage: python benchmarks/honest_files.py FOLDER
"""

import gzip
import importlib.metadata
import json
import os
import pickle
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np

LIBRARIES = (
    "scikit-learn", "pandas", "scipy", "statsmodels", "xgboost", "lightgbm", "catboost", "torch", "joblib", "skops",
    "safetensors", "h5py", "keras", "onnx", "gguf", "jax", "flax", "optax", "transformers", "stable-baselines3",
    "spacy", "numpy", "cloudpickle", "dill", "lz4", "tensorflow",
)  # fmt: skip

Save = Callable[[Path], object]
"""Writes one file, or one folder of files, at a path."""
Files = Iterator[tuple[str, Save]]
"""The paths of files below the library's folder, and what writes each."""

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(60, 4))
LABELS = (ROWS[:, 0] > 0).astype(int)
TARGETS = ROWS @ np.array([1.0, 2.0, 0.0, -1.0])
COUNTS = np.abs(ROWS)
TEXTS = [f"word{n} other{n % 7} more" for n in range(60)]
WORDS = 358_000
LARGE_BYTES = 200 << 20


def main() -> None:
    """Make all files, and say what could not be made."""
    folder = Path(sys.argv[1])
    warnings.simplefilter("ignore")
    manifest = []
    for library, makers in MAKERS.items():
        try:
            for name, save in makers():
                path = folder / library / name
                path.parent.mkdir(parents=True, exist_ok=True)
                save(path)
                files = sorted(path.rglob("*")) if path.is_dir() else [path]
                manifest += [
                    {"library": library, "file": file.relative_to(folder).as_posix()}
                    for file in files
                    if file.is_file()
                ]
        except Exception:  # noqa: BLE001 - another library's files are still worth having
            print(f"{library}: {traceback.format_exc(limit=-3)}", file=sys.stderr)
    versions = {name: version for name in LIBRARIES if (version := installed(name))}
    if "torch" in versions:
        save_large(folder / "large" / "large.pt")
    (folder / "manifest.json").write_text(json.dumps({"versions": versions, "files": manifest}, indent=1))
    print(f"{len(manifest)} files")


def save_large(path: Path) -> None:
    """Save a large tensor, for the measurement of speed; it is not in the manifest."""
    import torch

    path.parent.mkdir(exist_ok=True)
    torch.save({"weight": torch.randn(LARGE_BYTES // 4)}, path)


def installed(library: str) -> str | None:
    """Return the version of an installed library."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


# --- ways to save an object -------------------------------------------------------------------------------------------


def pickled(value: object, protocol: int | None = None) -> Save:
    """Save by pickle."""
    return lambda path: path.write_bytes(pickle.dumps(value, protocol))


def dumped(value: object, compress: Any = 0) -> Save:
    """Save by joblib."""
    return lambda path: joblib.dump(value, path, compress=compress)


def in_turn(objects: Mapping[str, object]) -> Files:
    """Save each object in another of the ways in which estimators are saved."""
    ways = (
        (".pkl", pickled),
        (".joblib", dumped),
        (".pickle", lambda value: pickled(value, 2)),
        (".joblib", lambda value: dumped(value, 3)),
    )
    for index, (name, value) in enumerate(objects.items()):
        suffix, way = ways[index % len(ways)]
        yield name + suffix, way(value)


# --- the libraries ----------------------------------------------------------------------------------------------------


def numpy_files() -> Files:
    arrays = {"weight": ROWS.astype("f4"), "bias": ROWS[0]}
    yield "weights.npy", lambda path: np.save(path, ROWS)
    yield "weights.npz", lambda path: np.savez(path, **arrays)
    yield "packed.npz", lambda path: np.savez_compressed(path, **arrays)
    yield (
        "objects.npy",
        lambda path: np.save(path, np.array([{"a": 1}, None], dtype=object), allow_pickle=True),
    )
    yield "dict.pkl", pickled(arrays)
    yield "protocol0.pkl", pickled(arrays, 0)
    yield "protocol2.pkl", pickled({"w": ROWS, "dtype": np.dtype("f4"), "scalar": np.float64(3)}, 2)
    yield "rng.pkl", pickled({"generator": np.random.default_rng(1), "state": np.random.RandomState(1)})
    yield "masked.pkl", pickled(np.ma.masked_less(ROWS, 0))
    yield "structured.pkl", pickled(np.zeros(3, dtype=[("x", "f4"), ("y", "i8")]))
    yield "dict.joblib", dumped(arrays)
    for compressor in ("zlib", "gzip", "bz2", "xz", "lzma", "lz4"):
        yield f"{compressor}.joblib", dumped(arrays, compressor)
    yield "list.pkl.gz", lambda path: path.write_bytes(gzip.compress(pickle.dumps([ROWS, 1])))
    yield "large_dict.pkl", pickled({f"token{n}": n for n in range(400_000)})
    yield "large_list.pkl", pickled([[float(n), n] for n in range(200_000)])


def sklearn_files() -> Files:
    yield from in_turn({type(one).__name__: one.fit(ROWS, LABELS) for one in classifiers()})
    yield from in_turn({type(one).__name__: one.fit(ROWS, TARGETS) for one in regressors()})
    yield from in_turn({type(one).__name__: one.fit(COUNTS, LABELS) for one in transformers()})
    yield from in_turn(compositions())
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer().fit(f"term{n:06}x" for n in range(WORDS))
    yield "tfidf_large.pkl", pickled(vectorizer)
    yield "tfidf_large.joblib", dumped(vectorizer, 3)
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

    yield "forest_400.pkl", pickled(RandomForestClassifier(400).fit(ROWS, LABELS))
    yield "boosting_500.joblib", dumped(GradientBoostingClassifier(n_estimators=500).fit(ROWS, LABELS))


def classifiers() -> list[Any]:
    from sklearn import (
        calibration,
        discriminant_analysis,
        dummy,
        ensemble,
        gaussian_process,
        linear_model,
        multiclass,
        naive_bayes,
        neighbors,
        neural_network,
        semi_supervised,
        svm,
        tree,
    )

    return [
        linear_model.LogisticRegression(), linear_model.LogisticRegressionCV(cv=2), linear_model.RidgeClassifier(),
        linear_model.SGDClassifier(), linear_model.Perceptron(), linear_model.RidgeClassifierCV(), svm.SVC(),
        svm.LinearSVC(), svm.NuSVC(), tree.DecisionTreeClassifier(), tree.ExtraTreeClassifier(),
        ensemble.RandomForestClassifier(5), ensemble.ExtraTreesClassifier(5),
        ensemble.GradientBoostingClassifier(n_estimators=5), ensemble.HistGradientBoostingClassifier(max_iter=5),
        ensemble.AdaBoostClassifier(n_estimators=3), ensemble.BaggingClassifier(n_estimators=3),
        ensemble.VotingClassifier([("a", tree.DecisionTreeClassifier()), ("b", naive_bayes.GaussianNB())]),
        ensemble.StackingClassifier([("a", tree.DecisionTreeClassifier())], cv=2),
        neighbors.KNeighborsClassifier(), neighbors.RadiusNeighborsClassifier(radius=9.0), neighbors.NearestCentroid(),
        naive_bayes.GaussianNB(), naive_bayes.BernoulliNB(), discriminant_analysis.LinearDiscriminantAnalysis(),
        discriminant_analysis.QuadraticDiscriminantAnalysis(), neural_network.MLPClassifier(max_iter=5),
        gaussian_process.GaussianProcessClassifier(1.0 * gaussian_process.kernels.RBF()),
        calibration.CalibratedClassifierCV(svm.LinearSVC(), cv=2), dummy.DummyClassifier(),
        multiclass.OneVsRestClassifier(svm.SVC()), multiclass.OneVsOneClassifier(svm.LinearSVC()),
        semi_supervised.LabelPropagation(),
    ]  # fmt: skip


def regressors() -> list[Any]:
    from sklearn import (
        compose,
        cross_decomposition,
        ensemble,
        gaussian_process,
        kernel_ridge,
        linear_model,
        neighbors,
        neural_network,
        svm,
        tree,
    )

    kernel = gaussian_process.kernels.Matern() + gaussian_process.kernels.WhiteKernel()
    return [
        linear_model.LinearRegression(), linear_model.Ridge(), linear_model.RidgeCV(), linear_model.Lasso(),
        linear_model.LassoCV(cv=2), linear_model.ElasticNet(), linear_model.BayesianRidge(),
        linear_model.HuberRegressor(), linear_model.SGDRegressor(), linear_model.QuantileRegressor(),
        linear_model.TweedieRegressor(), linear_model.RANSACRegressor(), linear_model.TheilSenRegressor(), svm.SVR(),
        tree.DecisionTreeRegressor(), ensemble.RandomForestRegressor(5), ensemble.GradientBoostingRegressor(
            n_estimators=5), ensemble.HistGradientBoostingRegressor(max_iter=5), ensemble.AdaBoostRegressor(
            n_estimators=3), neighbors.KNeighborsRegressor(algorithm="ball_tree"), neighbors.KNeighborsRegressor(
            algorithm="kd_tree"), kernel_ridge.KernelRidge(), neural_network.MLPRegressor(max_iter=5),
        gaussian_process.GaussianProcessRegressor(kernel), cross_decomposition.PLSRegression(),
        compose.TransformedTargetRegressor(linear_model.Ridge(), func=np.arcsinh, inverse_func=np.sinh),
    ]  # fmt: skip


def transformers() -> list[Any]:
    from sklearn import (
        cluster,
        covariance,
        decomposition,
        ensemble,
        feature_selection,
        impute,
        kernel_approximation,
        manifold,
        mixture,
        neighbors,
        preprocessing,
        random_projection,
        svm,
    )

    return [
        preprocessing.StandardScaler(), preprocessing.MinMaxScaler(), preprocessing.RobustScaler(),
        preprocessing.MaxAbsScaler(), preprocessing.Normalizer(), preprocessing.PowerTransformer(),
        preprocessing.QuantileTransformer(n_quantiles=10), preprocessing.PolynomialFeatures(),
        preprocessing.SplineTransformer(), preprocessing.KBinsDiscretizer(3), preprocessing.OneHotEncoder(),
        preprocessing.OrdinalEncoder(), preprocessing.TargetEncoder(), preprocessing.FunctionTransformer(np.log1p),
        impute.SimpleImputer(), impute.KNNImputer(), decomposition.PCA(2), decomposition.TruncatedSVD(2),
        decomposition.NMF(2), decomposition.FastICA(2), decomposition.KernelPCA(2),
        decomposition.LatentDirichletAllocation(2, max_iter=2), feature_selection.SelectKBest(k=2),
        feature_selection.VarianceThreshold(), feature_selection.RFE(svm.LinearSVC()), cluster.KMeans(2, n_init=1),
        cluster.MiniBatchKMeans(2, n_init=1), cluster.DBSCAN(), cluster.AgglomerativeClustering(), cluster.Birch(),
        mixture.GaussianMixture(2), ensemble.IsolationForest(n_estimators=3), svm.OneClassSVM(),
        covariance.EmpiricalCovariance(), neighbors.NearestNeighbors(), neighbors.LocalOutlierFactor(novelty=True),
        neighbors.KernelDensity(), kernel_approximation.RBFSampler(), kernel_approximation.Nystroem(n_components=5),
        random_projection.GaussianRandomProjection(2), manifold.Isomap(),
    ]  # fmt: skip


def compositions() -> dict[str, object]:
    import pandas as pd
    from sklearn.compose import ColumnTransformer, make_column_selector
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction import DictVectorizer, FeatureHasher
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
    from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
    from sklearn.preprocessing import (
        LabelBinarizer,
        LabelEncoder,
        MultiLabelBinarizer,
        OneHotEncoder,
        StandardScaler,
    )

    frame = pd.DataFrame(ROWS, columns=list("abcd"))
    frame["city"] = [f"city{n % 3}" for n in range(60)]
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), list("abcd")),
            ("texts", OneHotEncoder(), make_column_selector(dtype_exclude="number")),
        ]
    )
    return {
        "pipeline": make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, LABELS),
        "columns": Pipeline([("columns", columns), ("model", RandomForestClassifier(3))]).fit(frame, LABELS),
        "union": FeatureUnion([("a", StandardScaler()), ("b", StandardScaler())]).fit(ROWS),
        "text": make_pipeline(CountVectorizer(), TfidfTransformer(), LogisticRegression()).fit(TEXTS, LABELS),
        "hashing": HashingVectorizer(n_features=16).fit(TEXTS),
        "dicts": DictVectorizer().fit([{"a": 1}, {"b": 2}]),
        "hasher": FeatureHasher(8),
        "grid": GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=2, scoring="accuracy").fit(
            ROWS, LABELS
        ),
        "randomized": RandomizedSearchCV(LogisticRegression(), {"C": [0.1, 1]}, n_iter=2, cv=2).fit(
            ROWS, LABELS
        ),
        "labels": LabelEncoder().fit(["a", "b"]),
        "binarizer": LabelBinarizer().fit(["a", "b", "c"]),
        "multilabel": MultiLabelBinarizer().fit([{"a"}, {"b", "c"}]),
    }


def skops_files() -> Files:
    import skops.io
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    for name, model in (
        ("logistic", LogisticRegression()),
        ("pipeline", make_pipeline(StandardScaler(), LogisticRegression())),
        ("forest", RandomForestClassifier(3)),
    ):
        fitted = model.fit(ROWS, LABELS)
        yield f"{name}.skops", lambda path, fitted=fitted: skops.io.dump(fitted, path)


def pandas_files() -> Files:
    import pandas as pd

    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": pd.Categorical(["u", "v"]), "d": [1.0, None]})
    dates = pd.date_range("2026-01-01", periods=2, tz="Europe/Berlin")
    objects = {
        "frame": frame, "series": pd.Series([1.0, 2.0], name="s"), "dates": frame.set_index(dates), "index": pd.Index(
            ["a", "b"]), "multi": frame.set_index(["a", "b"]), "timestamp": pd.Timestamp("2026-01-01", tz="UTC"),
        "timedelta": pd.Timedelta("1s"), "nullable": pd.array([1, None], dtype="Int64"), "period": pd.period_range(
            "2026-01", periods=3, freq="M"), "intervals": pd.cut(pd.Series([1, 2, 3]), 2), "strings": pd.Series(
            ["a", None], dtype="string"), "sparse": pd.Series(pd.arrays.SparseArray([0, 0, 1])), "boolean": pd.Series(
            [True, None], dtype="boolean"), "range": pd.DataFrame(ROWS), "missing": pd.Series([pd.NA, pd.NaT]),
    }  # fmt: skip
    yield from in_turn(objects)
    yield "to_pickle.pkl", frame.to_pickle
    yield "to_pickle.pkl.gz", frame.to_pickle


def scipy_files() -> Files:
    from scipy import interpolate, sparse, spatial, stats

    matrix = sparse.random(20, 20, 0.1, random_state=0)
    yield "matrix.npz", lambda path: sparse.save_npz(path, matrix.tocsr())
    yield from in_turn(
        {
            **{kind: matrix.asformat(kind) for kind in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")},
            "csr_array": sparse.csr_array(matrix),
            "tree": spatial.cKDTree(ROWS),
            "kdtree": spatial.KDTree(ROWS),
            "norm": stats.norm(0, 1),
            "spline": interpolate.CubicSpline(np.arange(5.0), np.arange(5.0)),
            "interp1d": interpolate.interp1d(np.arange(5.0), np.arange(5.0)),
            "kde": stats.gaussian_kde(ROWS.T),
        }
    )


def statsmodels_files() -> Files:
    import pandas as pd
    import statsmodels.api as sm
    from statsmodels.tsa.arima.model import ARIMA
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    design = sm.add_constant(ROWS)
    series = pd.Series(np.cumsum(ROWS[:, 0]) + 50)
    results = {
        "ols": sm.OLS(TARGETS, design).fit(),
        "glm": sm.GLM(LABELS, design, family=sm.families.Poisson()).fit(),
        "logit": sm.Logit(RANDOM.integers(0, 2, 60), design).fit(disp=0),
        "arima": ARIMA(series, order=(1, 0, 0)).fit(),
        "smoothing": ExponentialSmoothing(series).fit(),
    }
    for name, result in results.items():
        yield f"{name}.pickle", result.save


def xgboost_files() -> Files:
    import xgboost as xgb

    classifier = xgb.XGBClassifier(n_estimators=3).fit(ROWS, LABELS)
    regressor = xgb.XGBRegressor(n_estimators=3).fit(ROWS, TARGETS)
    booster = classifier.get_booster()
    for suffix in ("json", "ubj"):
        yield f"model.{suffix}", classifier.save_model
        yield f"booster.{suffix}", booster.save_model
    forest = xgb.XGBRFRegressor(n_estimators=2).fit(ROWS, TARGETS)
    ranker = xgb.XGBRanker(n_estimators=2).fit(ROWS, LABELS, group=[60])
    models = {"classifier": classifier, "regressor": regressor, "booster": booster, "forest": forest}
    yield from in_turn({**models, "ranker": ranker})


def lightgbm_files() -> Files:
    import lightgbm as lgb

    classifier = lgb.LGBMClassifier(n_estimators=3, verbose=-1).fit(ROWS, LABELS)
    regressor = lgb.LGBMRegressor(n_estimators=3, verbose=-1).fit(ROWS, TARGETS)
    yield "model.txt", classifier.booster_.save_model
    yield "model.lgb", regressor.booster_.save_model
    yield from in_turn({"classifier": classifier, "regressor": regressor, "booster": classifier.booster_})


def catboost_files() -> Files:
    import catboost

    options = {"iterations": 3, "verbose": False, "allow_writing_files": False}
    classifier = catboost.CatBoostClassifier(**options).fit(ROWS, LABELS)
    regressor = catboost.CatBoostRegressor(**options).fit(ROWS, TARGETS)
    yield "model.cbm", classifier.save_model
    yield "regressor.cbm", regressor.save_model
    yield "model.json", lambda path: classifier.save_model(path, format="json")
    yield from in_turn({"classifier": classifier, "regressor": regressor, "joblib": classifier})


def torch_files() -> Files:
    import torch
    from torch import nn, optim

    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 2))
    state = net.state_dict()

    def save(value: object, **options: Any) -> Save:
        return lambda path: torch.save(value, path, **options)

    yield "state.pt", save(state)
    yield "state.pth", save(state)
    yield (
        "state.ckpt",
        save({"state_dict": state, "epoch": 3, "hyper_parameters": {"lr": 0.1}, "callbacks": {}}),
    )
    yield "pytorch_model.bin", save(state)
    yield "old.pt", save(state, _use_new_zipfile_serialization=False)
    yield "tensor.pt", save(torch.ones(3, 4))
    yield "half.pt", save({"a": torch.ones(3).half(), "b": torch.ones(3).bfloat16()})
    yield "sparse.pt", save(torch.eye(4).to_sparse())
    yield "quantized.pt", save(torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8))
    yield (
        "rng.pt",
        save({"torch": torch.get_rng_state(), "numpy": np.random.default_rng().bit_generator.state}),
    )
    yield "module.pt", save(net)
    yield "old_module.pt", save(net, _use_new_zipfile_serialization=False)
    for name, module in {
        "conv": nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)),
        "lstm": nn.LSTM(4, 8), "gru": nn.GRU(4, 8, batch_first=True), "attention": nn.MultiheadAttention(8, 2),
        "encoder": nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2), "embedding": nn.Embedding(10, 4),
        "norms": nn.ModuleList([nn.LayerNorm(4), nn.GroupNorm(2, 4), nn.GELU(), nn.Softmax(dim=1), nn.Tanh()]),
        "losses": nn.ModuleDict({"a": nn.MSELoss(), "b": nn.CrossEntropyLoss(), "c": nn.BCEWithLogitsLoss()}),
        "convs": nn.ModuleList([nn.ConvTranspose1d(2, 2, 2), nn.Conv3d(1, 1, 1), nn.BatchNorm2d(3), nn.PReLU()]),
        "parametrized": nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)),
    }.items():  # fmt: skip
        yield f"modules/{name}.pt", save(module) if name != "parametrized" else save(module.state_dict())
    for make in (optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad):
        optimizer = make(net.parameters(), lr=0.1)
        net(torch.ones(3, 4)).sum().backward()
        optimizer.step()
        yield f"optimizers/{make.__name__}.pt", save({"model": state, "optimizer": optimizer.state_dict()})
        yield f"optimizers/{make.__name__}_object.pt", save(optimizer)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optim.SGD(net.parameters(), 0.1), 10)
    yield "scheduler.pt", save(scheduler.state_dict())
    yield "swa.pt", save(optim.swa_utils.AveragedModel(net).state_dict())
    yield "pickled.pkl", pickled(state)
    yield "tensors.joblib", dumped({"a": torch.ones(3)})
    yield "dataset.pt", save(torch.utils.data.TensorDataset(torch.ones(3, 2), torch.ones(3)))
    yield "distribution.pt", save(torch.distributions.Normal(torch.zeros(2), torch.ones(2)))
    yield "scripted.pt", torch.jit.script(nn.Linear(2, 2)).save
    yield "distributed", lambda path: torch_distributed(state, path)


def torch_distributed(state: object, path: Path) -> None:
    import torch.distributed.checkpoint as dcp

    dcp.save({"model": state}, checkpoint_id=path, no_dist=True)


def safetensors_files() -> Files:
    import torch
    from safetensors.numpy import save_file
    from safetensors.torch import save_file as save_torch

    yield "model.safetensors", lambda path: save_file({"w": ROWS, "b": ROWS[0]}, path)
    yield (
        "half.safetensors",
        lambda path: save_torch({"w": torch.ones(3, 4).bfloat16()}, path, {"format": "pt"}),
    )
    yield "adapter_model.safetensors", lambda path: save_file({"lora_A": ROWS.astype("f2")}, path)


def h5py_files() -> Files:
    import h5py

    def save(path: Path, **options: Any) -> None:
        with h5py.File(path, "w") as file:
            file.create_dataset("layer/kernel", data=ROWS, **options)
            file.attrs["epoch"] = 3

    yield "weights.h5", save
    yield "packed.hdf5", lambda path: save(path, compression="gzip", chunks=(10, 4))
    yield "checked.h5", lambda path: save(path, fletcher32=True, chunks=(10, 4))


def keras_files() -> Files:
    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(ROWS, TARGETS, epochs=1, verbose=0)
    inputs = keras.Input((8, 8, 1))
    convolved = keras.layers.Conv2D(2, 3)(inputs)
    functional = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(convolved)))
    recurrent = keras.Sequential([keras.Input((5, 4)), keras.layers.LSTM(3), keras.layers.Dropout(0.1)])
    for name, one in {"model": model, "functional": functional, "recurrent": recurrent}.items():
        yield f"{name}.keras", one.save
        yield f"{name}.h5", one.save
        yield f"{name}.weights.h5", one.save_weights


def onnx_files() -> Files:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    for name, count in (("small", 4), ("large", 4000)):
        weight = numpy_helper.from_array(RANDOM.normal(size=(4, count)).astype("f4"), "w")
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])],
            "graph",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, count])],
            [weight],
        )
        model = helper.make_model(graph)
        yield f"{name}.onnx", lambda path, model=model: onnx.save(model, path)
        yield (
            f"{name}_external/model.onnx",
            lambda path, model=model: onnx.save(
                model, path, save_as_external_data=True, location="model.onnx.data", size_threshold=0
            ),
        )


def gguf_files() -> Files:
    import gguf

    def save(path: Path) -> None:
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_block_count(1)
        writer.add_array("tokens", ["a", "b"])
        writer.add_tensor("weight", ROWS.astype("f4"))
        writer.add_tensor("half", ROWS.astype("f2"))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    yield "model.gguf", save
    yield "ggml-model-f16.gguf", save


def jax_files() -> Files:
    import jax
    import jax.numpy as jnp
    import optax
    from flax import linen, serialization
    from flax.training.train_state import TrainState

    model = linen.Dense(3)
    params = model.init(jax.random.PRNGKey(0), jnp.ones((1, 4)))
    optimizers = {
        "adam": optax.adam(1e-3),
        "sgd": optax.sgd(0.1, momentum=0.9),
        "chained": optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-3)),
        "scheduled": optax.adam(optax.cosine_decay_schedule(0.1, 10)),
    }
    state = TrainState.create(apply_fn=None, params=params["params"], tx=optax.sgd(0.1))
    yield "params.msgpack", lambda path: path.write_bytes(serialization.to_bytes(params))
    yield "state.msgpack", lambda path: path.write_bytes(serialization.to_bytes(state))
    yield (
        "flax_model.msgpack",
        lambda path: path.write_bytes(serialization.msgpack_serialize(params["params"])),
    )
    yield from in_turn(
        {
            "params": params,
            "array": jnp.ones((3, 4)),
            "half": {"w": jnp.ones(3, jnp.bfloat16)},
            "numpy": jax.tree.map(np.asarray, params),
            **{name: optimizer.init(params["params"]) for name, optimizer in optimizers.items()},
        }
    )


def transformers_files() -> Files:
    import torch
    from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel, TrainingArguments

    arguments = TrainingArguments(output_dir="out", use_cpu=True)
    yield "training_args.bin", lambda path: torch.save(arguments, path)
    yield (
        "other/training_args.bin",
        lambda path: torch.save(
            TrainingArguments(output_dir="out", use_cpu=True, eval_strategy="epoch", save_strategy="epoch"),
            path,
        ),
    )
    small = {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 8,
        "vocab_size": 9,
    }
    bert = BertModel(BertConfig(**small))
    yield "bert", bert.save_pretrained
    yield "sharded", lambda path: bert.save_pretrained(path, max_shard_size="2KB")
    gpt = GPT2LMHeadModel(GPT2Config(n_embd=8, n_layer=1, n_head=2, vocab_size=9))
    yield "gpt2", gpt.save_pretrained
    yield "pytorch_model.bin", lambda path: torch.save(gpt.state_dict(), path)
    yield "config.pkl", pickled(bert.config)


def stable_baselines_files() -> Files:
    from stable_baselines3 import A2C, DQN, PPO

    for kind in (PPO, A2C):
        model = kind("MlpPolicy", "CartPole-v1", n_steps=8, device="cpu")
        yield f"{kind.__name__}.zip", model.save
    yield "DQN.zip", DQN("MlpPolicy", "CartPole-v1", device="cpu", buffer_size=100).save


def spacy_files() -> Files:
    import spacy

    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "ORG", "pattern": "Acme"}])
    yield "model", nlp.to_disk


def tensorflow_files() -> Files:
    import tensorflow as tf

    module = tf.Module()
    module.weight = tf.Variable(ROWS)
    yield "saved_model", lambda path: tf.saved_model.save(module, str(path))


MAKERS: Mapping[str, Callable[[], Files]] = {
    "numpy": numpy_files,
    "scikit-learn": sklearn_files,
    "skops": skops_files,
    "pandas": pandas_files,
    "scipy": scipy_files,
    "statsmodels": statsmodels_files,
    "xgboost": xgboost_files,
    "lightgbm": lightgbm_files,
    "catboost": catboost_files,
    "torch": torch_files,
    "safetensors": safetensors_files,
    "h5py": h5py_files,
    "keras": keras_files,
    "onnx": onnx_files,
    "gguf": gguf_files,
    "jax": jax_files,
    "transformers": transformers_files,
    "stable-baselines3": stable_baselines_files,
    "spacy": spacy_files,
    "tensorflow": tensorflow_files,
}

if __name__ == "__main__":
    main()
