"""Numbers that Keras and scikit-learn lack."""
