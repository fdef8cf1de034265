"""What learners learn from: characters, pictures and text, real or generated, as numpy arrays."""

from meta.data.characters import Characters
from meta.data.folder import data_folder, prepared_folder
from meta.data.generated import generate_characters
from meta.data.omniglot import load_omniglot

__all__ = ["Characters", "data_folder", "generate_characters", "load_omniglot", "prepared_folder"]
