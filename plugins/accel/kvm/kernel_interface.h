// <linux/kvm.h> as C++ has to read it: some of its structures end in an array without a size, which the headers of Linux 6.1
// declare in a way that adds to the structure's size in C++, and with it changes the numbers of requests.
#pragma once
#pragma GCC system_header  // an array of no elements is an extension of the compilers

#include <linux/stddef.h>

#undef __DECLARE_FLEX_ARRAY
#define __DECLARE_FLEX_ARRAY(TYPE, NAME) TYPE NAME[0]

#include <linux/kvm.h>

static_assert(sizeof(kvm_msr_list) == 4 && sizeof(kvm_msrs) == 8 && sizeof(kvm_cpuid2) == 8 &&
                  sizeof(kvm_irq_routing) == 8 && sizeof(kvm_xsave) == 4096,
              "the kernel's sizes are part of its requests' numbers");
