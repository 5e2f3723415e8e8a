"""What a user gets wrong with a run that is there is one line, and leaves everything as it was."""


def test_other_columns(refused, trained, table, files):
    run, data = trained("classes"), table()
    for command in ("evaluate", "predict"):
        where = ("--data", data) if command == "evaluate" else (data,)
        message = refused(command, run, *where)
        assert "has no column 'sepal_length'" in message
    assert "of kind text" in refused("predict", run, files["text"])


def test_unseen_class_and_missing_target_when_measuring(refused, trained, tmp_path):
    from zoo import datasets

    rows = datasets.load("iris").test.frame.head(6).copy()
    rows["species"] = ["setosa"] * 5 + ["rose"]
    rows.to_csv(tmp_path / "rose.csv", index=False)
    assert "'rose'" in refused("evaluate", trained("classes"), "--data", "rose.csv")
    rows.drop(columns="species").to_csv(tmp_path / "none.csv", index=False)
    assert "'species'" in refused("evaluate", trained("classes"), "--data", "none.csv")


def test_split_and_data(refused, trained):
    message = refused("evaluate", trained("classes"), "--data", "iris", "--split", "train")
    assert "Expected one of them" in message


def test_broken_pictures(refused, trained, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG half of it")
    assert "bad.png' cannot be read" in refused("predict", trained("pictures"), "bad.png")
    assert "picture" in refused("predict", trained("classes"), "bad.png")
    assert "'none.png' does not exist" in refused("predict", trained("pictures"), "none.png")


def test_generating_with_what_cannot(refused, trained):
    assert "generates nothing" in refused("generate", trained("classes"))
    assert "--out" in refused("generate", trained("text"), "--out", "a.png")
    assert "--prompt" in refused("generate", trained("synthesis"), "--prompt", "a")
    assert "Try a.png" in refused("generate", trained("synthesis"), "--out", "a.jpg")
    assert "zoo generate" in refused("predict", trained("synthesis"), "a.csv")


def test_damaged_runs(refused, trained, tmp_path):
    import shutil

    run = shutil.copytree(trained("classes"), tmp_path / "run")
    weights = (run / "model.safetensors").read_bytes()
    (run / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    assert "model.safetensors" in refused("evaluate", "run")
    (run / "model.safetensors").unlink()
    assert "it was not trained to its end" in refused("predict", "run", "x.csv")
    (run / "config.yaml").write_text("[")
    assert "config.yaml" in refused("report", "run")
    (run / "preprocessor.json").write_text("{")
    assert "preprocessor.json" in refused("evaluate", "run")


def test_data_that_changed(refused, tmp_path, table):
    import zoo as library

    data = table()
    library.train("linear", data=data, target="label", epochs=1, run="run")
    table(cells=[(0, "x", 7.0)])
    assert "has changed since" in refused("evaluate", "run")
    (tmp_path / data).unlink()
    assert "does not exist" in refused("evaluate", "run")


def test_nothing_from_stdin(refused, trained, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert "stdin" in refused("predict", trained("classes"))
