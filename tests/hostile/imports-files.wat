(component
  (import "wasi:filesystem/types@0.2.3" (instance
    (export "descriptor" (type (sub resource)))
  ))
  (import "wasi:filesystem/preopens@0.2.3" (instance
    (export "get-directories" (func (result (list string))))
  ))
)
