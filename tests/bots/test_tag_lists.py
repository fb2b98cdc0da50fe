"""Tag lists as real repositories have them, dozens of tags and leftovers of other schemes included, and the right next tag."""

from __future__ import annotations

from datetime import date

import pytest

from sig_bots.tags import Policy, newest

SEPTEMBER = Policy(today=date(2026, 9, 1))

PYTHON = (
    "3 3-alpine 3-slim 3.9 3.10 3.11 3.12 3.13 3.14-rc 3.12-slim-bookworm 3.12-slim-bullseye 3.12-slim-trixie "
    "3.12-bookworm 3.13-slim-bookworm 3.13-slim-trixie 3.12.4-slim-bookworm 3.12.5-slim-bookworm "
    "3.13.0rc1-slim-bookworm 3.14.0a1-slim-bookworm 3.14.0b2-slim 3.12-alpine3.19 3.12-alpine3.20 "
    "3.13-alpine3.20 3.13-alpine3.21 3.12.5-alpine3.20 3.12-windowsservercore-ltsc2022 "
    "3.12-windowsservercore-1809 latest slim alpine alpine3.20 bookworm slim-bookworm"
)
NODE = (
    "20-alpine3.19 20-alpine3.20 22-alpine3.20 22-alpine3.19 20-alpine 22-alpine 24-alpine 20.11.1-alpine3.19 "
    "20.12.0-alpine3.19 22.5.1-alpine3.20 iron iron-alpine jod-alpine lts lts-alpine current-alpine "
    "20-bookworm-slim 22-bookworm-slim 22-trixie-slim 20-bookworm 23-alpine"
)
POSTGRES = (
    "9.6 10 11 12 13 14 15 16 17 16.3 16.4 17.0 17rc1 17beta3 18beta1 16-alpine 16-alpine3.19 17-alpine3.20 "
    "16.3-alpine3.19 16.4-alpine3.20 17.0-alpine3.20 16-bookworm 17-bookworm 16.4-bookworm 17beta2-alpine3.20 "
    "latest alpine alpine3.20 9.6.24 9.5.25"
)
GOLANG = (
    "1.20 1.21 1.22 1.23 1.23rc1 1.23rc2 1.24rc1 1.22.5 1.22.6 1.23.0 1.21-alpine 1.22-alpine3.19 "
    "1.23-alpine3.20 1.23rc2-alpine3.20 1.23rc1-alpine3.20 1-alpine 1 1.22-bookworm 1.23-bookworm "
    "1.24rc1-bookworm tip tip-20240801 latest nanoserver"
)
TEMURIN = (
    "21-jdk 21-jre 21.0.3_9-jdk 21.0.4_7-jdk 21.0.4_7-jre 22.0.2_9-jdk 17.0.12_7-jdk 21.0.3_9-jdk-jammy "
    "21.0.4_7-jdk-jammy 21.0.4_7-jdk-noble 8u422-b05-jdk 8u412-b08-jdk 11-jdk 23-jdk 21.0.3_9-jdk-alpine "
    "21.0.4_7-jdk-alpine 21.0.3_9-jdk-ubi9-minimal 22.0.2_9-jdk-ubi9-minimal 21_35-jdk 22_36-jdk 8-jdk "
    "24_36-ea-jdk"
)
UBUNTU = (
    "14.04 16.04 18.04 20.04 22.04 22.10 23.04 23.10 24.04 24.10 25.04 25.10 26.04 jammy noble plucky rolling "
    "latest devel jammy-20240530 jammy-20240627.1 jammy-20240808 noble-20240801 noble-20240605 22.04.3 "
    "focal-20240530"
)
DEBIAN = (
    "12 12.5 12.6 11 11.9 13 bookworm bookworm-slim bookworm-20240701 bookworm-20240722 bookworm-20240722-slim "
    "bookworm-20240701-slim bullseye-20240722 trixie-20240722 sid-20240722 sid stable stable-20240722 "
    "stable-slim testing-20240722 unstable 12-slim 12.6-slim 11-slim bookworm-backports experimental-20240722 "
    "trixie trixie-slim 13-slim rc-buggy oldstable buster-20240612"
)
UBI8 = (
    "8.10-1018 8.10-901.1717584420 8.10-901 8.9-1107.1705420509 8.9-1107 8.9 8.10 8.6-754 8.8-1072.1697626218 "
    "latest 8.10-1018-source 8.10-1052.1724178568 8.10-1086 8.10-1754465959 8.10-1754465959-source "
    "sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.sig "
    "sha256-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.att"
)
UBI9 = (
    "9.4 9.4-1134 9.4-1181 9.4-1181.1724035907 9.4-1227.1725849298 9.4-1227.1726694542 9.5 9.5-1730489303 "
    "9.5-1736404036 9.5-1739420147 9.6-1747219013 9.6-1752587672 9.6-1755695350 9.7-1762956380 9.6 9.7 latest "
    "9.5-1736404036-source"
)
ALPINE = (
    "edge latest 2.6 2.7 3 3.1 3.2 3.9 3.10 3.18 3.19 3.20 3.21 3.22 3.19.1 3.20.3 3.22.1 3.18.12 20190228 "
    "20240606 20250108 3.21_rc1"
)
FEDORA = "34 35 36 37 38 39 40 41 42 43 44 45 46 rawhide latest eln branched 41-x86_64 42-x86_64 44-aarch64 44-x86_64"
KUBERNETES = (
    "v1.28.0 v1.28.1 v1.29.0-alpha.1 v1.29.0-beta.0 v1.29.0-rc.1 v1.29.0 v1.30.0 v1.31.0-rc.0 1.31.0 "
    "v1.31.0-alpha.3 v1.29 latest v1.28.1-amd64 v1.30.0-arm64 v1.30.0-amd64"
)

LISTED = [
    (PYTHON, "3.12-slim-bookworm", "3.13-slim-bookworm"),
    (PYTHON, "3.12", "3.13"),
    (PYTHON, "3", None),
    (PYTHON, "3-slim", None),
    (PYTHON, "3.12.4-slim-bookworm", "3.12.5-slim-bookworm"),
    (PYTHON, "3.12-alpine3.19", "3.13-alpine3.21"),
    (PYTHON, "3.13-alpine3.20", "3.13-alpine3.21"),
    (PYTHON, "3.12-windowsservercore-ltsc2022", None),
    (PYTHON, "3.13.0rc1-slim-bookworm", None),
    (PYTHON, "slim-bookworm", None),
    (PYTHON, "alpine3.20", None),
    (PYTHON, "3.14-rc", None),
    (PYTHON, "3.12-bookworm", None),
    (PYTHON, "3.12-slim-bullseye", None),
    (NODE, "20-alpine3.19", "22-alpine3.20"),
    (NODE, "20-alpine", "24-alpine"),
    (NODE, "20.11.1-alpine3.19", "22.5.1-alpine3.20"),
    (NODE, "iron-alpine", None),
    (NODE, "20-bookworm-slim", "22-bookworm-slim"),
    (NODE, "lts", None),
    (POSTGRES, "16", "17"),
    (POSTGRES, "16.3", "17.0"),
    (POSTGRES, "9.6", "17.0"),
    (POSTGRES, "16-alpine3.19", "17-alpine3.20"),
    (POSTGRES, "16.3-alpine3.19", "17.0-alpine3.20"),
    (POSTGRES, "17beta3", "18beta1"),
    (POSTGRES, "17rc1", "17"),
    (POSTGRES, "18beta1", None),
    (POSTGRES, "16-bookworm", "17-bookworm"),
    (POSTGRES, "9.5.25", "9.6.24"),
    (POSTGRES, "17beta2-alpine3.20", "17-alpine3.20"),
    (GOLANG, "1.23rc1", "1.24rc1"),
    (GOLANG, "1.24rc1", None),
    (GOLANG, "1.22", "1.23"),
    (GOLANG, "1.22.5", "1.23.0"),
    (GOLANG, "1.23rc1-alpine3.20", "1.23-alpine3.20"),
    (GOLANG, "1.22-alpine3.19", "1.23-alpine3.20"),
    (GOLANG, "tip", None),
    (GOLANG, "tip-20240801", None),
    (GOLANG, "1-alpine", None),
    (TEMURIN, "21.0.3_9-jdk", "22.0.2_9-jdk"),
    (TEMURIN, "21.0.3_9-jdk-jammy", "21.0.4_7-jdk-jammy"),
    (TEMURIN, "21-jdk", "23-jdk"),
    (TEMURIN, "21_35-jdk", "22_36-jdk"),
    (TEMURIN, "8u412-b08-jdk", "8u422-b05-jdk"),
    (TEMURIN, "21.0.3_9-jdk-ubi9-minimal", "22.0.2_9-jdk-ubi9-minimal"),
    (TEMURIN, "21.0.3_9-jdk-alpine", "21.0.4_7-jdk-alpine"),
    (TEMURIN, "24_36-ea-jdk", None),
    (UBUNTU, "22.04", "26.04"),
    (UBUNTU, "jammy", None),
    (UBUNTU, "jammy-20240530", "jammy-20240808"),
    (UBUNTU, "jammy-20240627.1", "jammy-20240808"),
    (UBUNTU, "noble-20240801", None),
    (UBUNTU, "22.04.3", None),
    (UBUNTU, "rolling", None),
    (DEBIAN, "12", "13"),
    (DEBIAN, "12.5", "12.6"),
    (DEBIAN, "12-slim", "13-slim"),
    (DEBIAN, "bookworm", None),
    (DEBIAN, "bookworm-slim", None),
    (DEBIAN, "bookworm-20240701", "bookworm-20240722"),
    (DEBIAN, "bookworm-20240701-slim", "bookworm-20240722-slim"),
    (DEBIAN, "sid", None),
    (DEBIAN, "testing-20240722", None),
    (DEBIAN, "stable", None),
    (UBI8, "8.9-1107", "8.10-1754465959"),
    (UBI8, "8.10-901.1717584420", "8.10-1754465959"),
    (UBI8, "8.10-1018", "8.10-1754465959"),
    (UBI8, "8.9", "8.10"),
    (UBI8, "8.10", None),
    (UBI9, "9.4-1181", "9.7-1762956380"),
    (UBI9, "9.5-1730489303", "9.7-1762956380"),
    (UBI9, "9.4", "9.7"),
    (UBI9, "9.7-1762956380", None),
    (ALPINE, "3", None),
    (ALPINE, "3.9", "3.22"),
    (ALPINE, "3.19.1", "3.22.1"),
    (ALPINE, "20240606", "20250108"),
    (ALPINE, "2.7", "3.22"),
    (FEDORA, "38", "44"),
    (FEDORA, "44", None),
    (FEDORA, "46", None),
    (FEDORA, "41-x86_64", "44-x86_64"),
    (KUBERNETES, "v1.28.0", "v1.30.0"),
    (KUBERNETES, "1.31.0", None),
    (KUBERNETES, "v1.29.0-rc.1", "v1.31.0-rc.0"),
    (KUBERNETES, "v1.29.0-beta.0", "v1.30.0"),
    (KUBERNETES, "v1.31.0-alpha.3", None),
    (KUBERNETES, "v1.28.1-amd64", "v1.30.0-amd64"),
    (KUBERNETES, "v1.29", None),
]  # fmt: skip

ALONE = [
    ("latest 1 2 3", "latest", None),
    ("v2024.08.1 v2024.08.2 v2024.10.0 2024.11.0", "v2024.08.1", "v2024.10.0"),
    ("2024a 2024b", "2024a", None),
    ("v0.16.0-3-g1a2b3c4 v0.16.0-12-gffffff1 v0.17.0 v0.16.1-1-g0000001", "v0.16.0-3-g1a2b3c4", "v0.16.1-1-g0000001"),
    ("20240801-1a2b3c4 20240815-9f8e7d6 20240815", "20240801-1a2b3c4", "20240815-9f8e7d6"),
    ("r1234 r1300 1400", "r1234", "r1300"),
    ("b1234 b1300", "b1234", None),
    ("1.2.3-SNAPSHOT 1.2.3 1.2.4-SNAPSHOT", "1.2.3-SNAPSHOT", "1.2.4-SNAPSHOT"),
    ("1.0.0", "1.0.0+build", None),
    ("1.2.4 v1.2.4-rc1 v1.2.3", "v1.2.3", None),
    ("6-alpine 6.0-alpine 6.2-alpine 7.0-alpine 7.2-alpine 7.4-alpine 8.0-M01-alpine", "6.0-alpine", "7.4-alpine"),
    ("8.0-M01-alpine 8.0-M02-alpine 8.0-alpine", "8.0-M01-alpine", "8.0-alpine"),
    ("2.4.58 2.4.59 2.4.62 2.4.62-alpine 2.4-alpine3.20", "2.4.58", "2.4.62"),
    ("1.36.1-glibc 1.36.1-musl 1.37.0-glibc 1.37.0-uclibc 1.37.0", "1.36.1-glibc", "1.37.0-glibc"),
    ("8.0-jammy 9.0-noble 8.0-alpine 9.0-preview-alpine 8.0.7-jammy 8.0-jammy-chiseled 9.0-jammy-amd64", "8.0-jammy", None),
    ("8.0-alpine3.19 8.0-alpine3.20 9.0-alpine3.20 9.0-preview-alpine3.20 9.0-alpine3.20-amd64 9.0-alpine3.20-composite", "8.0-alpine3.19", "9.0-alpine3.20"),
    ("8.0.7-alpine3.20-amd64 8.0.8-alpine3.20-amd64 8.0.9-alpine3.20-arm64v8 8.0.9-alpine3.20", "8.0.7-alpine3.20-amd64", "8.0.8-alpine3.20-amd64"),
    ("3.11.9-1 3.11.9-2 3.12.0-1", "3.11.9-1", "3.12.0-1"),
    ("2.462.1-lts-jdk17 2.462.2-lts-jdk17 2.470-jdk17 2.479.1-lts-jdk21 2.479.1-lts-jdk17", "2.462.1-lts-jdk17", "2.479.1-lts-jdk17"),
    ("2.462.1-lts-jdk17 2.462.2-lts-jdk21", "2.462.1-lts-jdk17", None),
    ("11.0.16-jre-slim 17.0.4-jre-slim 17.0.4-jdk-slim", "11.0.16-jre-slim", "17.0.4-jre-slim"),
    ("RELEASE.2024-08-03T04-33-23Z RELEASE.2024-08-17T01-24-54Z RELEASE.2024-08-17T01-24-54Z.fips latest", "RELEASE.2024-08-03T04-33-23Z", "RELEASE.2024-08-17T01-24-54Z"),
    ("version-1.2.3 version-1.2.4 1.3.0", "version-1.2.3", "version-1.2.4"),
    ("release-1.2 release-1.3 release-1.3-amd64", "release-1.2", "release-1.3"),
    ("1.20.1.5 1.20.1.6 1.21", "1.20.1.5", "1.20.1.6"),
    ("12.4.1-cudnn-devel-ubuntu22.04 12.5.0-cudnn-devel-ubuntu22.04 12.5.0-cudnn-runtime-ubuntu22.04 12.6.0-cudnn-devel-ubuntu24.04 12.6.0-cudnn-devel-ubuntu20.04", "12.4.1-cudnn-devel-ubuntu22.04", "12.6.0-cudnn-devel-ubuntu24.04"),
    ("2.1-8.0 2.2-8.0", "2.1-8.0", "2.2-8.0"),
    ("7.17.0 7.17.1 8.0.0-alpha1 8.0.0-SNAPSHOT 8.15.0 8.15.0-amd64", "7.17.0", "8.15.0"),
    ("10.11.6 11.4.2 10.11-jammy 11.5-rc", "10.11.6", "11.4.2"),
    ("5.7 5.7.44 8.0 8.4 9.0 8 innovation lts", "5.7", "9.0"),
    ("8-jre11 9-jre17 10-jre17 11-jre21", "8-jre11", None),
    ("9.0-jdk17-temurin 10.1-jdk17-temurin 10.1-jdk11-temurin 11.0-jdk21-temurin 11.0.0-M20-jdk21", "9.0-jdk17-temurin", "10.1-jdk17-temurin"),
    ("2.7.18-buster 2.7.18-bullseye 3.0.0-buster", "2.7.18-buster", "3.0.0-buster"),
    ("24.04 24.10 25.04", "24.04", "25.04"),
    ("el8 el9", "el8", None),
    ("f41 f42 f44 rawhide frawhide", "f41", "f44"),
    ("23.05.4 23.05.5 24.10.0 24.10.0-rc1 22.03.7", "23.05.4", "24.10.0"),
    ("2024.2.1-alpine 2024.3.0 2024.3.0-alpine 2025.1.0-alpine", "2024.2.1-alpine", "2025.1.0-alpine"),
    ("v20240801 v20240901 20241001", "v20240801", "v20240901"),
    ("2024-08 2024-09 2024-09-01", "2024-08", "2024-09"),
    ("0.0.0-20240801 0.0.0-20240901", "0.0.0-20240801", "0.0.0-20240901"),
    ("1.27.0-bookworm-perl 1.27.1-bookworm-perl 1.27.2-bookworm", "1.27.0-bookworm-perl", "1.27.1-bookworm-perl"),
    ("15.5-debian-12-r0 16.4.0-debian-12-r1 16.4-debian-12-r1 15.5-debian-12-r3", "15.5-debian-12-r0", "16.4-debian-12-r1"),
    ("3.8.0-1 3.8.0-10 3.8.0-9", "3.8.0-1", "3.8.0-10"),
    ("1.2.3.Final 1.2.4.Final 1.2.5.CR1 1.3.0.Beta1", "1.2.3.Final", "1.2.4.Final"),
    ("1.2.5.CR1 1.2.5.CR2 1.2.5.Final", "1.2.5.CR1", "1.2.5.CR2"),
    ("2.0.0-dev.5 2.0.0-dev.6 2.0.0", "2.0.0-dev.5", "2.0.0"),
    ("2.0.0-nightly.20240801 2.0.0-nightly.20240901", "2.0.0-nightly.20240801", "2.0.0-nightly.20240901"),
    ("nightly-20240801 nightly-20240901 nightly", "nightly-20240801", "nightly-20240901"),
    ("nightly nightly-20240801", "nightly", None),
    ("1.81.0-slim-bookworm 1.82.0-slim-bookworm 1.83-slim-bookworm 1.82.0-slim-bullseye", "1.81.0-slim-bookworm", "1.82.0-slim-bookworm"),
    ("stable 1.2", "stable", None),
    ("main-abc1234 main-def5678", "main-abc1234", None),
    ("pr-123 pr-124", "pr-123", None),
    ("1.2.3-rc1 1.2.3-rc2 1.2.3-rc10", "1.2.3-rc1", "1.2.3-rc10"),
    ("1.2.3-rc.9 1.2.3-rc.10", "1.2.3-rc.9", "1.2.3-rc.10"),
    ("v1.2.3-alpha v1.2.3-alpha.2", "v1.2.3-alpha", "v1.2.3-alpha.2"),
    ("10.0.20348.2655 10.0.26100.1 10.0.20348.2700", "10.0.20348.2655", "10.0.26100.1"),
    ("ltsc2019 ltsc2022 ltsc2025", "ltsc2022", None),
    ("1809 2004 20H2", "1809", None),
    ("stream8 stream9 stream10", "stream9", None),
    ("41.20240806.3.0 42.20250301.3.0 42.20250101.2.0 42.20250202.2.1 43.20250601.1.0", "42.20250101.2.0", "42.20250202.2.1"),
    ("9 9.3 9.4 9.3.20231119 9.4.20240509 9.4.20240509-minimal 8.10.20240528", "9.3.20231119", "9.4.20240509"),
    ("9.4-20240506 9.5-20241118 9.4-20240723 9-minimal", "9.4-20240506", "9.5-20241118"),
    ("1 2 2.0.20240719.0 2.0.20240809.0 2023.5.20240708.0 2023", "2.0.20240719.0", "2.0.20240809.0"),
    ("2 2.0.20240809.0 2023.5.20240708.0 2023.5.20240819.0 2023.6.20241010.0 2023-minimal", "2023.5.20240708.0", "2023.6.20241010.0"),
    ("base-20240801.0.251467 base-20240804.0.252230 base-devel-20240811.0.253648", "base-20240801.0.251467", "base-20240804.0.252230"),
    ("v1.28.2-k3s1 v1.29.0-k3s1 v1.29.0-rc1-k3s1 v1.29.1-k3s2", "v1.28.2-k3s1", "v1.29.1-k3s2"),
    ("v1.29.1-eksbuild.4 v1.30.0-eksbuild.3", "v1.29.1-eksbuild.4", "v1.30.0-eksbuild.3"),
    ("3.9.6-eclipse-temurin-17 3.9.9-eclipse-temurin-17 3.9.9-eclipse-temurin-21 3.9.9-eclipse-temurin-17-alpine", "3.9.6-eclipse-temurin-17", "3.9.9-eclipse-temurin-17"),
    ("8.5-jdk17 8.10-jdk17 8.10-jdk21 8.10.1-jdk17", "8.5-jdk17", "8.10-jdk17"),
    ("1.16-otp-26 1.17-otp-27 1.17-otp-26", "1.16-otp-26", "1.17-otp-26"),
    ("0.7.4-pg16 0.8.0-pg17 0.8.0-pg16 pg16 pg17", "0.7.4-pg16", "0.8.0-pg16"),
    ("pg16 pg17 0.8.0-pg17", "pg16", None),
    ("2.3.1-cuda12.1-cudnn8-runtime 2.4.0-cuda12.1-cudnn9-runtime 2.4.0-cuda12.4-cudnn9-runtime 2.4.0-cuda12.1-cudnn8-runtime", "2.3.1-cuda12.1-cudnn8-runtime", "2.4.0-cuda12.1-cudnn8-runtime"),
    ("8.2-fpm-alpine3.19 8.3-fpm-alpine3.20 8.3-fpm-alpine3.19 8.3-cli-alpine3.20 8.4-rc-fpm-alpine3.20", "8.2-fpm-alpine3.19", "8.3-fpm-alpine3.20"),
    ("php8.2-fpm php8.3-fpm php8.3-apache", "php8.2-fpm", "php8.3-fpm"),
    ("6.6-php8.2-apache 6.7-php8.3-apache 6.7-php8.2-apache", "6.6-php8.2-apache", "6.7-php8.2-apache"),
    ("18.12.1 18.20.4 20.9.0 20.10.0 20.16.0 22.5.1", "18.12.1", "22.5.1"),
    ("18.12.1 18.20.4 20.9.0 20.10.0 20.16.0 22.5.1", "20.10.0", "22.5.1"),
    ("10.5 10.6 10.11 11.2 11.4 10.11.8", "10.11", "11.4"),
    ("16.1 16.9 16.10 17.0 17.6", "16.10", "17.6"),
    ("24.10 23.10", "24.10", None),
    ("22.04 24.10 25.04 24.04", "24.10", "25.04"),
    ("24.2.1 24.8.3.59 24.9.1 25.1.2", "24.2.1", "25.1.2"),
    ("24.8.3.59 24.8.14.39 24.10.1.2812 24.12.3.47", "24.8.3.59", "24.12.3.47"),
    ("15.5 15.6 42.3 leap", "15.5", "15.6"),
    ("1-66.1669834616 1-143 1-197.1725907708 9.5-1737537151", "1-66.1669834616", "1-197.1725907708"),
    ("7.9.2009 8.4.2105 centos7.9.2009 latest", "7.9.2009", "8.4.2105"),
    ("jammy-20240627.1 jammy-20240627 jammy-20240530", "jammy-20240627.1", None),
    ("jammy-20240627.1 jammy-20240627 jammy-20240530", "jammy-20240627", "jammy-20240627.1"),
    ("8.0.0-M01 8.0.0-M02 8.0.0", "8.0.0-M01", "8.0.0"),
    ("7.9.0 8.0.0-M01 8.0.0-M02", "7.9.0", None),
    ("3.0.0-M1-alpine 3.0.0-alpine 3.0.0-M2-alpine", "3.0.0-M1-alpine", "3.0.0-alpine"),
    ("1.2-m1 1.3-m1", "1.2-m1", "1.3-m1"),
    ("v0.10.0-amd64 v0.11.0-arm64 v0.11.0", "v0.10.0-amd64", None),
    ("1.19.1-fc41 1.20.0-fc42 1.20.1-fc40", "1.19.1-fc41", "1.20.0-fc42"),
    ("115.0 122.0 128.0", "122.0", "128.0"),
    ("1.2.3 1.2.4.sig 1.2.4.att 1.2.4-sbom", "1.2.3", None),
    ("0.6.12 2021.12.16 2022.01.01", "2021.12.16", "2022.01.01"),
    ("2022-lts 2023-lts", "2022-lts", "2023-lts"),
    ("11.0.24_8-jdk-ubi9-minimal 11.0.25_9-jdk-ubi9-minimal 11.0.25_9-jre-ubi9-minimal", "11.0.24_8-jdk-ubi9-minimal", "11.0.25_9-jdk-ubi9-minimal"),
    ("jdk-11.0.16_8 jdk-11.0.17_8 jdk-17.0.5_8 jre-17.0.5_8", "jdk-11.0.16_8", "jdk-17.0.5_8"),
    ("stable-20240722-slim stable-20240812-slim stable-20240904", "stable-20240722-slim", "stable-20240812-slim"),
    ("41.20240806.3.0 41.20240901.3.0 42.20250101.3.0", "41.20240806.3.0", "42.20250101.3.0"),
]  # fmt: skip


@pytest.mark.parametrize(("tags", "current", "expected"), [*LISTED, *ALONE], ids=lambda value: str(value)[:40])
def test_the_next_tag_is_the_right_one_and_has_no_next(tags: str, current: str, expected: str | None) -> None:
    proposal = newest(current, tags.split(), policy=SEPTEMBER)
    assert (proposal.tag if proposal else None) == expected
    assert expected is None or newest(expected, tags.split(), policy=SEPTEMBER) is None


@pytest.mark.parametrize(("tags", "current", "expected"), LISTED, ids=lambda value: str(value)[:40])
def test_neither_order_nor_doubles_nor_junk_in_the_list_matter(tags: str, current: str, expected: str | None) -> None:
    signature = f"sha256-{'a' * 64}"
    junk = [f"{signature}.sig", f"{signature}.att", f"{signature}.sbom", signature, "not a tag", "", "-x"]
    proposal = newest(current, [*junk, *reversed(tags.split()), *tags.split()], policy=SEPTEMBER)
    assert (proposal.tag if proposal else None) == expected


def test_a_signature_beside_the_images_has_no_next() -> None:
    assert newest(f"sha256-{'a' * 64}.sig", [f"sha256-{'b' * 64}.sig", *UBI8.split()], policy=SEPTEMBER) is None
