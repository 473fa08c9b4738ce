"""Runs exported models: by ONNX Runtime or OpenVINO without torch, or by torch."""
