//! ELF files, as the RISC-V psABI lays them down ("RISC-V ELF Specification"), for machines of 32 bits.

mod attributes;
