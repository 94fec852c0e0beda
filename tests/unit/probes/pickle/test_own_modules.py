import pytest

from smoke_gate.probes.pickle.own_modules import own_patterns


def test_a_pattern_for_each_module_in_order():
    names = ["mine.model.Net", "mine.model.Head", "__main__.Block", "mine.data.Scaler"]
    assert own_patterns(names) == ("__main__.*", "mine.data.*", "mine.model.*")


@pytest.mark.parametrize(
    "name",
    [
        "functools.partial",
        "sklearn.extra.Thing",
        "torch.fx.graph.Graph",
        "scipy.stats._continuous_distns.norm_gen",
        "cloudpickle.cloudpickle._make_function",
        "numpy.lib.Thing",
        "yaml.Loader",
        "Net",
        "",
        "a name with blanks.Net",
    ],
)
def test_what_is_not_the_users_is_not_proposed(name):
    assert own_patterns([name]) == ()
