// SPDX-License-Identifier: Apache-2.0
// A program as Rust has them, without the core library: maps in the older
// section (of 28 bytes, as aya defines them), a section for each function and
// constant, mangled names, panics left out.
#![feature(no_core, lang_items, rustc_attrs, auto_traits, intrinsics)]
#![allow(internal_features, dead_code)]
#![no_core]
#![no_std]
#![crate_type = "lib"]

#[lang = "pointee_sized"]
trait PointeeSized {}
#[lang = "meta_sized"]
trait MetaSized: PointeeSized {}
#[lang = "sized"]
trait Sized: MetaSized {}
#[lang = "copy"]
trait Copy {}
impl Copy for u32 {}
impl Copy for usize {}
impl<T: PointeeSized> Copy for *mut T {}
impl<T: PointeeSized> Copy for *const T {}
#[lang = "sync"]
trait Sync {}
impl Sync for MapDef {}
impl Sync for u32 {}
impl Sync for [u8; 4] {}
#[lang = "freeze"]
unsafe auto trait Freeze {}
#[lang = "drop_in_place"]
unsafe fn drop_in_place<T: PointeeSized>(_: *mut T) {}
#[rustc_intrinsic]
unsafe fn transmute<A, B>(a: A) -> B;
#[rustc_intrinsic]
unsafe fn volatile_load<T>(p: *const T) -> T;

#[repr(C)]
struct MapDef {
    kind: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    id: u32,
    pinning: u32,
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "maps")]
static HITS: MapDef = MapDef { kind: 2, key_size: 4, value_size: 8, max_entries: 16, map_flags: 0, id: 0, pinning: 0 };
#[unsafe(no_mangle)]
#[unsafe(link_section = "maps")]
static LATER: MapDef = MapDef { kind: 1, key_size: 8, value_size: 4, max_entries: 2, map_flags: 0, id: 0, pinning: 0 };
#[unsafe(no_mangle)]
#[unsafe(link_section = "license")]
static LICENSE: [u8; 4] = [71, 80, 76, 0];
#[unsafe(no_mangle)]
static LIMIT: u32 = 7;

type Lookup = unsafe extern "C" fn(*const MapDef, *const u32) -> *mut u32;

#[inline(never)]
unsafe fn lookup(map: *const MapDef, key: *const u32) -> *mut u32 {
    let f: Lookup = transmute(1usize);
    f(map, key)
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "xdp")]
unsafe extern "C" fn count(_ctx: *mut u32) -> u32 {
    let key = volatile_load(&LIMIT);
    match transmute::<*mut u32, usize>(lookup(&HITS, &key)) {
        0 => 1,
        _ => 2,
    }
}

#[unsafe(no_mangle)]
#[unsafe(link_section = "classifier")]
unsafe extern "C" fn mark(ctx: *mut u32) -> u32 {
    lookup(&LATER, ctx);
    volatile_load(ctx)
}
