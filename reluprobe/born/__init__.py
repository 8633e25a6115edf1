"""Born dead: how likely a ReLU network is constant before any training (Lu et al. 2019).

``bounds`` holds the closed forms, ``engine`` draws the networks, ``count`` joins both, and
``result`` is what is written.
"""
