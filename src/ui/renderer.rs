//! Whether the window is drawn by OpenGL: where a graphics processor does the work, or the user says so.

use crate::settings::config::Renderer;

/// Whether to try OpenGL first.
pub(super) fn uses_opengl(renderer: Renderer) -> bool {
    match renderer {
        Renderer::Auto => has_graphics_processor(),
        Renderer::Opengl => true,
        Renderer::Software => false,
    }
}

/// Elsewhere the system brings OpenGL with its desktop.
#[cfg(not(target_os = "linux"))]
fn has_graphics_processor() -> bool {
    true
}

/// Whether a driver offers to render. Without, or when told so, Mesa would draw every pixel of each frame in software.
#[cfg(target_os = "linux")]
fn has_graphics_processor() -> bool {
    use std::path::Path;

    /// Of drivers without a render node: NVIDIA's own, Mali, Adreno, and Windows below a Linux.
    const OTHERS: [&str; 4] = ["/dev/nvidia0", "/dev/mali0", "/dev/kgsl-3d0", "/dev/dxg"];

    let told = |name| std::env::var_os(name).is_some_and(|value| value != "0" && value != "false");
    if told("LIBGL_ALWAYS_SOFTWARE") {
        return false;
    }
    let nodes = std::fs::read_dir("/dev/dri")
        .into_iter()
        .flatten()
        .flatten();
    let mut names = nodes.map(|node| node.file_name());
    names.any(|name| name.to_string_lossy().starts_with("renderD"))
        || OTHERS.iter().any(|device| Path::new(device).exists())
}
