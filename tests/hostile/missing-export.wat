(component
  (instance $strategy)
  (export "example:other/thing@1.0.0" (instance $strategy))
)
