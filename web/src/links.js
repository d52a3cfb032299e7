// Links into the course: where it is built beside the page they lead there, where it is not they say what they mean.

export function linkCourse() {
  for (const link of document.querySelectorAll("a[data-notebook], a[data-course]")) {
    const { notebook, course } = link.dataset;
    if (__COURSE__) link.href = `course/${notebook ? `notebooks/${notebook}` : course}.html`;
    else link.title = notebook ? `notebooks/${notebook}.ipynb` : "make site builds it";
  }
}
