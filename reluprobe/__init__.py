"""Which of a network's neurons are dead, when did they die, and what would have saved them?"""

__version__ = "0.1.0"
