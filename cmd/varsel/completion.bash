# Completion of varsel in bash. In ~/.bashrc: source <(varsel completion bash)
_varsel() {
	local word
	COMPREPLY=()
	while IFS=$'\t' read -r word _; do
		case $word in
		:files)
			compopt -o default
			return
			;;
		--*=*) word=${word#*=} ;; # bash takes --flag=value for three words
		esac
		COMPREPLY+=("$word")
	done < <("$1" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _varsel varsel
