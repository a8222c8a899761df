data_path = ""
models_path = ""
