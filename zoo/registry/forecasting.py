"""Forecasters: time series in, all steps of a horizon out."""

from zoo.registry.row import Paper, Row

TINY = {"input_shape": (12, 3), "horizon": 5, "targets": 2, "quantiles": 3}
TRAINING = {"optimizer": "adamw", "learning_rate": 1e-3, "batch_size": 32, "early_stopping": 5}
ATTENTION = {**TRAINING, "learning_rate": 5e-4, "batch_size": 128}
TINY_BLOCKS = {"blocks": 2, "heads": 2, "width": 8, "hidden": 12}
LINEAR = Paper(
    "Zeng, Chen, Zhang, Xu",
    "Are Transformers Effective for Time Series Forecasting?",
    2022,
    "2205.13504",
)

ROWS = (
    Row(
        name="dlinear",
        family="forecasting",
        tasks=("forecasting",),
        builder="zoo.models.dlinear:dlinear",
        summary="Linear maps of a series' moving average and of the rest; no covariates.",
        paper=LINEAR,
        # "139.7K" in the paper's table of costs.
        params=({"input_shape": (96, 321), "horizon": 720}, 139_680),
        tiny={**TINY, "kernel": 5},
        training={**TRAINING, "learning_rate": 3e-3},
    ),
    Row(
        name="nlinear",
        family="forecasting",
        tasks=("forecasting",),
        builder="zoo.models.nlinear:nlinear",
        summary="A linear map of a series less its last value; no covariates.",
        paper=LINEAR,
        tiny=TINY,
        training={**TRAINING, "learning_rate": 3e-3},
    ),
    Row(
        name="n-beats",
        family="forecasting",
        tasks=("forecasting",),
        builder="zoo.models.n_beats:n_beats",
        summary="Dense blocks that explain a part each, generic, trend or season; no covariates.",
        paper=Paper(
            "Oreshkin, Carpov, Chapados, Bengio",
            "N-BEATS: Neural basis expansion analysis for interpretable time series forecasting",
            2019,
            "1905.10437",
        ),
        tiny={
            **TINY,
            "stacks": ("generic", "trend", "seasonality"),
            "blocks": 2,
            "depth": 2,
            "width": 8,
            "degree": 2,
        },
        training=TRAINING,
    ),
    Row(
        name="lstm-forecaster",
        family="forecasting",
        tasks=("forecasting",),
        builder="zoo.models.lstm_forecaster:lstm_forecaster",
        summary="An LSTM that answers all steps, with covariates, also those known in advance.",
        paper=Paper(
            "Wen, Torkkola, Narayanaswamy, Madeka",
            "A Multi-Horizon Quantile Recurrent Forecaster",
            2017,
            "1711.11053",
        ),
        tiny={**TINY, "input_shape": (12, 4), "known": 1, "units": (8,), "context": 3},
        training=TRAINING,
    ),
    Row(
        name="patchtst",
        family="forecasting",
        tasks=("forecasting",),
        builder="zoo.models.patchtst:patchtst",
        summary="A Transformer of each series' patches; no covariates.",
        paper=Paper(
            "Nie, Nguyen, Sinthong, Kalagnanam",
            "A Time Series is Worth 64 Words: Long-term Forecasting with Transformers",
            2022,
            "2211.14730",
        ),
        tiny={**TINY, "patch": 4, "stride": 3, **TINY_BLOCKS},
        training={**ATTENTION, "learning_rate": 2e-3},
    ),
    Row(
        name="itransformer",
        family="forecasting",
        tasks=("forecasting",),
        builder="zoo.models.itransformer:itransformer",
        summary="A Transformer whose tokens are whole series, with covariates, also known ones.",
        paper=Paper(
            "Liu, Hu, Zhang, Wu, Wang, Ma, Long",
            "iTransformer: Inverted Transformers Are Effective for Time Series Forecasting",
            2023,
            "2310.06625",
        ),
        tiny={**TINY, "input_shape": (12, 4), "known": 1, **TINY_BLOCKS},
        training=ATTENTION,
    ),
)
