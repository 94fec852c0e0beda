"""A standing corpus of hostile checkpoints, made when it is imported. None is ever loaded; what they run prints a word.

Each kind of trick has a module: ``gadgets`` what is called, ``streams`` how a pickle hides the call, ``archives`` and
``disguises`` how a file hides the pickle.
"""

from typing import Final

from tests.corpus.archives import ARCHIVES
from tests.corpus.disguises import DISGUISES
from tests.corpus.gadgets import GADGETS
from tests.corpus.streams import STREAMS

CORPUS: Final = (*GADGETS, *STREAMS, *ARCHIVES, *DISGUISES)
