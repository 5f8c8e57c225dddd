from pipeline.native import with_native

__path__ = with_native("detection", __path__)
