;; What every guest of this folder has: a core module in the form that `wit-component` turns into a component, with
;; a small kit to answer by. A guest's file holds only what is special about it; of $describe, $open, $warm-up-bars,
;; $on-bars and $realloc it may bring its own. {id} is the name of its file.
(import "[export]sentinel:strategy/strategy@0.1.0" "[resource-new]session" (func $new-session (param i32) (result i32)))
(memory (export "memory") 2)

;; The manifest: id, description, timeframes (all), columns (close), no parameters, one pattern, one reason, none.
(data $manifest (i32.const 0)
  "\00\02\00\00{id_length}\00\00\00" "\80\02\00\00\04\00\00\00"
  "\3f\10\00\00" "\00\00\00\00\00\00\00\00"
  "\40\00\00\00\01\00\00\00" "\40\00\00\00\01\00\00\00" "\00\00\00\00\00\00\00\00")
;; A label: name and description.
(data (i32.const 64) "\80\02\00\00\04\00\00\00" "\80\02\00\00\04\00\00\00")
(data (i32.const 512) "{id}")
(data (i32.const 640) "test")

;; Answers are written here.
(global $result i32 (i32.const 1024))
(global $heap-start i32 (i32.const 4096))
(global $heap (mut i32) (i32.const 4096))
;; Whether the last call is over, so that its memory may be used again.
(global $over (mut i32) (i32.const 0))

;; The bars of this call, and the signals given so far.
(global $closes (mut i32) (i32.const 0))
(global $bars (mut i32) (i32.const 0))
(global $signals (mut i32) (i32.const 0))
(global $count (mut i32) (i32.const 0))
;; What the session remembers: the last close, and how many bars it was shown.
(global $last (mut f64) (f64.const 0))
(global $shown (mut i32) (i32.const 0))

;; Makes room, and never gives any back within a call.
(func $allocate (param $size i32) (param $align i32) (result i32)
  (local $at i32) (local $missing i32)
  (if (global.get $over) (then
    (global.set $over (i32.const 0))
    (global.set $heap (global.get $heap-start))))
  (local.set $at (i32.and
    (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
    (i32.sub (i32.const 0) (local.get $align))))
  (global.set $heap (i32.add (local.get $at) (local.get $size)))
  (local.set $missing (i32.sub (global.get $heap) (i32.shl (memory.size) (i32.const 16))))
  (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
    (drop (memory.grow (i32.add (i32.shr_u (local.get $missing) (i32.const 16)) (i32.const 1))))))
  (local.get $at))

;; Reads where the closes are.
(func $begin (param $call i32)
  (global.set $closes (i32.load offset=36 (local.get $call)))
  (global.set $bars (i32.load offset=40 (local.get $call)))
  (global.set $signals (call $allocate (i32.const 0) (i32.const 8)))
  (global.set $count (i32.const 0)))

(func $close (param $bar i32) (result f64)
  (f64.load (i32.add (global.get $closes) (i32.shl (local.get $bar) (i32.const 3)))))

;; Adds a signal (type 1 is buy, 3 is sell) with confidence 50 and returns where it is, for the caller to spoil.
(func $emit (param $bar i32) (param $type i32) (result i32)
  (local $at i32)
  (local.set $at (call $allocate (i32.const 80) (i32.const 8)))
  (memory.fill (local.get $at) (i32.const 0) (i32.const 80))
  (i32.store (local.get $at) (local.get $bar))
  (i32.store8 offset=4 (local.get $at) (local.get $type))
  (f64.store offset=16 (local.get $at) (f64.const 50))
  (global.set $count (i32.add (global.get $count) (i32.const 1)))
  (local.get $at))

;; Adds a buy with a stop (offset 40) or a target (offset 56).
(func $emit-price (param $bar i32) (param $offset i32) (param $price f64)
  (local $at i32)
  (local.set $at (i32.add (call $emit (local.get $bar) (i32.const 1)) (local.get $offset)))
  (i32.store8 (local.get $at) (i32.const 1))
  (f64.store offset=8 (local.get $at) (local.get $price)))

;; Answers with the signals given so far.
(func $answer (result i32)
  (call $answer-list (global.get $signals) (global.get $count)))

(func $answer-list (param $at i32) (param $length i32) (result i32)
  (global.set $over (i32.const 1))
  (i32.store (global.get $result) (i32.const 0))
  (i32.store offset=4 (global.get $result) (local.get $at))
  (i32.store offset=8 (global.get $result) (local.get $length))
  (global.get $result))

;; Answers with `strategy-error.failed` (2) or `unsupported-instrument` (1) and a text.
(func $answer-error (param $case i32) (param $at i32) (param $length i32) (result i32)
  (global.set $over (i32.const 1))
  (i32.store (global.get $result) (i32.const 1))
  (i32.store offset=4 (global.get $result) (local.get $case))
  (i32.store offset=8 (global.get $result) (local.get $at))
  (i32.store offset=12 (global.get $result) (local.get $length))
  (global.get $result))

(export "cabi_realloc" (func $realloc))
(export "sentinel:strategy/strategy@0.1.0#describe" (func $describe))
(export "sentinel:strategy/strategy@0.1.0#[static]session.open" (func $open))
(export "sentinel:strategy/strategy@0.1.0#[method]session.warm-up-bars" (func $warm-up-bars))
(export "sentinel:strategy/strategy@0.1.0#[method]session.on-bars" (func $on-bars))
