;; Wants more memory than there may be before it has done anything.
(memory $second 4096)
