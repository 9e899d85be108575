"""The index: what people ask of an archive, answered without reading its history."""
