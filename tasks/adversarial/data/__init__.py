"""Images to train and measure classifiers on."""
