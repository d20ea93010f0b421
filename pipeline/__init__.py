"""From a task folder to displacement fields: text, segmentor, backbone, filters, training, prediction."""
