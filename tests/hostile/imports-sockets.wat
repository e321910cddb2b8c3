(component
  (import "wasi:sockets/tcp-create-socket@0.2.3" (instance
    (export "create-tcp-socket" (func (result u32)))
  ))
)
